#include "worker/connection_row.h"

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <utility>

#include "protocol/record.h"
#include "worker/connection_filter.h"

namespace wsd::worker {
namespace {

using State = ConnectionRow::State;

// No field has its default, and no two the same value.
ConnectionRow full() {
  return {.id = 0x0102030405060708,
          .slot = 3,
          .remote = "2001:db8::7",
          .path = "/room/\x1b[31m",
          .subprotocol = "chat",
          .age_ms = 70'000,
          .idle_ms = 60'000,
          .traffic = {.messages_in = 11, .messages_out = 12, .bytes_in = 13, .bytes_out = 14},
          .queue = 15,
          .state = State::paused,
          .deflate = true,
          .tls = TlsProtocol::v1_3,
          .relayed = true};
}

ConnectionRow row_from(std::string remote) {
  ConnectionRow row;
  row.id = 1;
  row.remote = std::move(remote);
  return row;
}

ConnectionFilter filter_of(std::optional<std::uint32_t> slot, std::string path, std::optional<State> state) {
  ConnectionFilter filter;
  filter.slot = slot;
  filter.path = std::move(path);
  filter.state = state;
  return filter;
}

TEST(ConnectionRow, ArrivesAsItWas) {
  std::vector<std::byte> bytes;
  append(bytes, full());
  append(bytes, row_from(""));
  append(bytes, full());
  const auto rows = read_connection_rows(bytes);
  ASSERT_TRUE(rows);
  ASSERT_EQ(rows->size(), 3U);
  EXPECT_EQ((*rows)[0], full());
  EXPECT_EQ((*rows)[1], row_from(""));
  EXPECT_EQ((*rows)[2], full());
  EXPECT_TRUE(read_connection_rows({})->empty());
}

TEST(ConnectionRow, IsRefusedWhenCutAtAnyByte) {
  std::vector<std::byte> bytes;
  append(bytes, full());
  for (std::size_t size = 1; size < bytes.size(); ++size) {
    EXPECT_FALSE(read_connection_rows(std::span(bytes).first(size))) << size;
  }
}

TEST(ConnectionRow, NamesEveryState) {
  for (const State state : {State::opening, State::open, State::paused, State::closing, State::ending}) {
    EXPECT_EQ(connection_state_from(to_string(state)), state);
  }
  EXPECT_EQ(connection_state_from("shut"), std::nullopt);
  EXPECT_EQ(to_string(static_cast<State>(99)), "") << "a later version may know more";
}

bool lets_through(const ConnectionFilter& filter, const ConnectionRow& row = full()) {
  const auto bytes = encode(filter);
  const auto arrived = decode_filter({reinterpret_cast<const char*>(bytes.bytes().data()), bytes.bytes().size()});
  EXPECT_EQ(arrived, filter);
  return ConnectionSieve(arrived).lets_through(row);
}

TEST(ConnectionFilter, WithoutConditionsLetsEverythingThrough) {
  EXPECT_TRUE(lets_through({}));
  EXPECT_TRUE(lets_through({}, row_from("unix:")));
  EXPECT_TRUE(ConnectionSieve(decode_filter("nonsense")).lets_through(full()));
}

TEST(ConnectionFilter, HasEveryConditionHold) {
  EXPECT_TRUE(lets_through(filter_of(3, "/room/", State::paused)));
  EXPECT_FALSE(lets_through(filter_of(2, "/room/", State::paused)));
  EXPECT_FALSE(lets_through(filter_of(3, "/rooms", State::paused)));
  EXPECT_FALSE(lets_through(filter_of(3, "/room/", State::open)));
}

TEST(ConnectionFilter, KnowsLeastAgesAndQueues) {
  ConnectionFilter filter;
  filter.min_age_ms = 70'000;
  filter.min_idle_ms = 60'000;
  filter.min_queue = 15;
  EXPECT_TRUE(lets_through(filter));
  for (std::uint64_t ConnectionFilter::*const least :
       {&ConnectionFilter::min_age_ms, &ConnectionFilter::min_idle_ms, &ConnectionFilter::min_queue}) {
    ConnectionFilter more = filter;
    more.*least += 1;
    EXPECT_FALSE(lets_through(more));
  }
}

TEST(ConnectionFilter, KnowsAddressesAndNetworks) {
  const auto from = [](const char* filter, const char* remote) {
    ConnectionFilter wanted;
    wanted.remote = filter;
    EXPECT_TRUE(is_remote_filter(filter));
    return lets_through(wanted, row_from(remote));
  };
  EXPECT_TRUE(from("192.0.2.0/24", "192.0.2.7"));
  EXPECT_FALSE(from("192.0.2.0/24", "192.0.3.7"));
  EXPECT_TRUE(from("192.0.2.7", "192.0.2.7"));
  EXPECT_FALSE(from("192.0.2.7", "192.0.2.70"));
  EXPECT_TRUE(from("2001:db8::/32", "2001:db8::1"));
  EXPECT_FALSE(from("0.0.0.0/0", "unix:"));
  EXPECT_TRUE(from("unix:", "unix:"));
  EXPECT_FALSE(from("unix:", "192.0.2.7"));
  EXPECT_FALSE(is_remote_filter("192.0.2"));
  EXPECT_FALSE(is_remote_filter("192.0.2.7/24")) << "bits behind the prefix";
}

}  // namespace
}  // namespace wsd::worker
