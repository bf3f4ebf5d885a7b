#include "worker/bus_records.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/unit/worker/support/sockets.h"

namespace wsd::worker {
namespace {

using protocol::RecordReader;
using protocol::RecordWriter;

RecordReader parse(const RecordWriter& record) {
  return *RecordReader::parse(record.bytes());
}

// Workers of two releases talk to one another during an upgrade: these bytes stay.
TEST(BusRecords, APublicationIsTheseBytes) {
  RecordWriter record = bus_record(BusWord::publish);
  add_publication(record, {"c", "hi", MessageType::text, 0, {}});
  EXPECT_EQ(test::text_of(record.bytes()), std::string("\x2f\x01"
                                                       "\x01\0\x01\0\0\0c"
                                                       "\x04\0\x02\0\0\0hi",
                                                       2 + 7 + 8));
}

TEST(BusRecords, APublicationArrivesAsItWas) {
  const std::vector<ConnectionId> excluded = {1, 0xFFFFFFFFFFFFFFFF};
  RecordWriter record = bus_record(BusWord::publish);
  add_publication(record, {"channel", std::string_view("\0data", 5), MessageType::binary, 7, excluded});
  std::vector<ConnectionId> kept;
  const Publication publication = read_publication(parse(record), kept);
  EXPECT_EQ(publication.channel, "channel");
  EXPECT_EQ(publication.data, std::string_view("\0data", 5));
  EXPECT_EQ(publication.type, MessageType::binary);
  EXPECT_EQ(publication.publisher, 7U);
  EXPECT_EQ(kept, excluded);
  EXPECT_FALSE(publication.is_for(1));
  EXPECT_TRUE(publication.is_for(2));
}

TEST(BusRecords, AKeptPublicationArrivesAsItWas) {
  const ConnectionId excluded = 9;
  RecordWriter record = bus_record(BusWord::sequence);
  add_kept(record, {77, {"channel", "data", MessageType::text, 9, {&excluded, 1}}, 5});
  const KeptPublication kept = read_kept(parse(record));
  EXPECT_EQ(kept.number, 77U);
  EXPECT_EQ(kept.question, 5U);
  EXPECT_EQ(kept.channel, "channel");
  EXPECT_EQ(kept.data, "data");
  EXPECT_EQ(kept.type, MessageType::text);
  EXPECT_EQ(kept.publisher, 9U);
  EXPECT_EQ(kept.excluded, std::vector<ConnectionId>{9});
}

TEST(BusRecords, MembersAndHistoryArriveInOrder) {
  ChannelHome home;
  home.remember({"c", "one", MessageType::text, 1, {}}, 9);
  home.remember({"c", "", MessageType::binary, 0, {}}, 9);
  RecordWriter record = bus_record(BusWord::home_state);
  add_members(record, {{3, "three"}, {1, ""}, {2, "two"}});
  add_history(record, home);
  const RecordReader reader = parse(record);
  const auto members = read_members(reader);
  ASSERT_EQ(members.size(), 3U);
  EXPECT_EQ(members[0].id, 3U);
  EXPECT_EQ(members[0].name, "three");
  EXPECT_EQ(members[1].name, "");
  EXPECT_EQ(members[2].name, "two");
  const auto history = read_history(reader);
  ASSERT_EQ(history.size(), 2U);
  EXPECT_EQ(history[0].data, "one");
  EXPECT_EQ(history[0].publisher, 1U);
  EXPECT_EQ(history[1].type, MessageType::binary);
}

TEST(BusRecords, AConnectionArrivesAsItWas) {
  const ConnectionReport report{.found = true,
                                .partial = false,
                                .slot = 3,
                                .remote_address = "192.0.2.7",
                                .path = "/chat",
                                .subprotocol = "p",
                                .age_ms = 1,
                                .idle_ms = 2,
                                .buffered_bytes = 4,
                                .traffic = {.messages_in = 5, .messages_out = 6, .bytes_in = 7, .bytes_out = 8},
                                .deflate = true,
                                .tls = TlsProtocol::v1_2,
                                .channels = {"a", "b"}};
  RecordWriter record = bus_record(BusWord::answer);
  add_connection(record, report);
  const ConnectionReport read = read_connection(parse(record));
  EXPECT_TRUE(read.found);
  EXPECT_EQ(read.slot, 3U);
  EXPECT_EQ(read.remote_address, "192.0.2.7");
  EXPECT_EQ(read.path, "/chat");
  EXPECT_EQ(read.subprotocol, "p");
  EXPECT_EQ(read.age_ms, 1U);
  EXPECT_EQ(read.idle_ms, 2U);
  EXPECT_EQ(read.buffered_bytes, 4U);
  EXPECT_EQ(read.traffic, report.traffic);
  EXPECT_TRUE(read.deflate);
  EXPECT_EQ(read.tls, TlsProtocol::v1_2);
  EXPECT_EQ(read.channels, (std::vector<std::string>{"a", "b"}));
  RecordWriter none = bus_record(BusWord::answer);
  add_connection(none, {});
  EXPECT_FALSE(read_connection(parse(none)).found);
}

TEST(BusRecords, APublicationThatIsMeasuredSaysSinceWhen) {
  const Publication publication{.channel = "a", .data = "b", .excluded = {}, .published_ns = 77, .weight = 16};
  RecordWriter record = bus_record(BusWord::publish);
  add_publication(record, publication);
  std::vector<ConnectionId> excluded;
  EXPECT_EQ(read_publication(parse(record), excluded).published_ns, 77U);
  EXPECT_EQ(read_publication(parse(record), excluded).weight, 16U);
  EXPECT_EQ(KeptPublication(1, publication, 0).view().published_ns, 77U) << "also by way of a home";
}

TEST(BusRecords, FieldsThatAreMissingHaveTheirDefault) {
  const RecordWriter empty = bus_record(BusWord::publish);
  std::vector<ConnectionId> excluded = {1};
  const Publication publication = read_publication(parse(empty), excluded);
  EXPECT_EQ(publication.channel, "");
  EXPECT_EQ(publication.type, MessageType::text);
  EXPECT_TRUE(publication.excluded.empty());
  EXPECT_TRUE(read_members(parse(empty)).empty());
  EXPECT_TRUE(read_history(parse(empty)).empty());
}

}  // namespace
}  // namespace wsd::worker
