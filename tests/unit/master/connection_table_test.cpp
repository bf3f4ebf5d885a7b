#include "master/connection_table.h"

#include <gmock/gmock.h>
#include <simdjson.h>

namespace wsd::master {
namespace {

using testing::AllOf;
using testing::ContainsRegex;
using testing::HasSubstr;
using testing::Not;
using worker::ConnectionRow;

ConnectionRow row(std::uint64_t id, std::uint64_t age_ms, std::string path) {
  ConnectionRow row;
  row.id = id;
  row.slot = static_cast<std::uint32_t>(id % 2);
  row.remote = "192.0.2.7";
  row.path = std::move(path);
  row.age_ms = age_ms;
  row.traffic.bytes_in = id * 1000;
  return row;
}

std::vector<std::uint64_t> ids(const std::vector<ConnectionRow>& rows) {
  std::vector<std::uint64_t> ids;
  for (const ConnectionRow& one : rows) ids.push_back(one.id);
  return ids;
}

TEST(ConnectionTable, ShowsARowForEach) {
  ConnectionRow one = row(7, 3'725'000, "/room");
  one.tls = worker::TlsProtocol::v1_3;
  one.relayed = true;
  one.deflate = true;
  one.traffic = {.messages_in = 5, .messages_out = 6, .bytes_in = 2048, .bytes_out = 9};
  const std::string text = connections_table({one}, {}, {});
  EXPECT_EQ(text,
            "id  worker  remote     path   subprotocol    age  idle  msgs in  msgs out  bytes in  bytes out  queue  "
            "deflate  tls        state\n"
            " 7       1  192.0.2.7  /room               1h02m    0s        5         6      2.0K          9      0  "
            "yes      1.3 relay  [open]\n"
            "1 connection\n");
}

TEST(ConnectionTable, EscapesWhatClientsSay) {
  const std::string text = connections_table({row(1, 0, "/\x1b[31m\nred")}, {}, {});
  EXPECT_THAT(text, HasSubstr("/\\e[31m\\nred"));
  EXPECT_THAT(text, Not(HasSubstr("\x1b")));
}

TEST(ConnectionTable, ShortensWhatIsLong) {
  std::string path = "/";
  for (int i = 0; i < 2000; ++i) path += "ä";
  const std::string text = connections_table({row(1, 0, path)}, {}, {});
  EXPECT_THAT(text, HasSubstr("ää…"));
  EXPECT_LT(text.size(), 800U);
}

TEST(ConnectionTable, SortsNumbersFromTheLargestAndTextByName) {
  std::vector<ConnectionRow> rows{row(3, 10, "/b"), row(1, 30, "/a"), row(2, 20, "/b")};
  sort_connections(rows, "id");
  EXPECT_EQ(ids(rows), (std::vector<std::uint64_t>{1, 2, 3}));
  sort_connections(rows, "age");
  EXPECT_EQ(ids(rows), (std::vector<std::uint64_t>{1, 2, 3}));
  sort_connections(rows, "bytes_in");
  EXPECT_EQ(ids(rows), (std::vector<std::uint64_t>{3, 2, 1}));
  sort_connections(rows, "path");
  EXPECT_EQ(ids(rows), (std::vector<std::uint64_t>{1, 2, 3})) << "rows that are alike stand by id";
}

TEST(ConnectionTable, KnowsEveryColumnThatItShows) {
  for (const char* name : {"id", "worker", "remote", "path", "subprotocol", "age", "idle", "messages_in",
                           "messages_out", "bytes_in", "bytes_out", "queue", "deflate", "tls", "state"}) {
    EXPECT_EQ(problem_with_column(name), std::nullopt) << name;
    std::vector<ConnectionRow> rows{row(2, 10, "/b"), row(1, 30, "/a")};
    sort_connections(rows, name);
    EXPECT_EQ(rows.size(), 2U);
  }
  EXPECT_THAT(problem_with_column("agee").value_or(""), HasSubstr("the nearest is 'age'"));
}

TEST(ConnectionTable, FitsATerminal) {
  ConnectionRow one = row(72'057'731'476'881'409, 1'000, "/chat/lobby");
  one.remote = "192.0.2.110";
  one.traffic.bytes_in = 1000;
  const std::string text = connections_table({one}, {.sorted_by = "bytes_in", .columns = 80}, {});
  EXPECT_THAT(text,
              AllOf(HasSubstr("queue"), HasSubstr("bytes in"), HasSubstr("state"), Not(HasSubstr("bytes out  "))));
  EXPECT_THAT(text, HasSubstr("\nleft out for want of room: subprotocol, deflate, bytes out"));
  EXPECT_THAT(text, Not(ContainsRegex("[^\n]{81}")));
}

TEST(ConnectionTable, CountsWhatItDoesNotShowAndNamesWhoIsSilent) {
  const std::vector<ConnectionRow> rows{row(1, 0, "/one"), row(2, 0, "/two")};
  const std::string text = connections_table(rows, {.limit = 1}, {3});
  EXPECT_THAT(text, HasSubstr("/one"));
  EXPECT_THAT(text, Not(HasSubstr("/two")));
  EXPECT_THAT(text, HasSubstr("2 connections, 1 shown\n"
                              "worker 3 did not answer in time: its connections are missing\n"));
}

TEST(ConnectionTable, IsJsonForPrograms) {
  simdjson::dom::parser parser;
  const std::string text = connections_json({row(72057731476881419, 5, "/a"), row(1, 0, "/b")}, 1, {3});
  const auto json = parser.parse(text);
  EXPECT_EQ(std::uint64_t(json["total"]), 2U);
  EXPECT_EQ(std::uint64_t(json["missing"].at(0)), 3U);
  EXPECT_EQ(simdjson::dom::array(json["connections"]).size(), 1U);
  const auto first = json["connections"].at(0);
  EXPECT_EQ(std::string_view(first["id"]), "72057731476881419");
  EXPECT_EQ(std::string_view(first["state"]), "open");
  EXPECT_EQ(std::uint64_t(first["age_ms"]), 5U);
  EXPECT_EQ(bool(first["relayed"]), false);
}

}  // namespace
}  // namespace wsd::master
