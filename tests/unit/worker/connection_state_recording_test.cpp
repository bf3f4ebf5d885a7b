// Records that release 0.1 wrote, as committed, and one of the release that began to keep channels: every later release
// understands them (design: handoff between releases).

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "protocol/deflate_stream.h"
#include "worker/connection_state.h"

namespace wsd::worker {
namespace {

ConnectionState recorded(const std::string& name) {
  std::ifstream file(std::filesystem::path(WSD_SOURCE_DIR) / "tests/fuzz/corpus/connection_state" / name,
                     std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(file), {}};
  const auto state = decode_connection(std::as_bytes(std::span(bytes)));
  EXPECT_TRUE(state) << name;
  return state.value_or(ConnectionState{});
}

std::string text(const std::vector<std::byte>& bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

TEST(ConnectionStateRecording, OfAnIdleConnectionIsUnderstood) {
  const ConnectionState state = recorded("idle");
  EXPECT_EQ(state.id, 0x0200000300000007U);
  EXPECT_EQ(state.phase, ConnectionState::Phase::open);
  EXPECT_EQ(state.remote_address, "192.0.2.7");
  EXPECT_TRUE(text(state.head).starts_with("GET /chat/room?user=7 HTTP/1.1\r\n"));
  EXPECT_TRUE(state.visible);
  EXPECT_EQ(state.due_ms, 123456789U);
  EXPECT_EQ(state.last_message_ms, 1000U);
  EXPECT_EQ(state.last_ping_ms, 2000U);
}

TEST(ConnectionStateRecording, OfABusyConnectionIsUnderstood) {
  const ConnectionState state = recorded("busy");
  EXPECT_EQ(text(state.input), std::string("\x01\x85\0\0\0\0Frag-\x80\x83\x01\x02\x03\x04", 17));
  EXPECT_EQ(text(state.output), "\x81\x05hello");
  const std::vector<std::pair<std::string, std::string>> attributes = {{"user", "alice"}, {"room", ""}};
  EXPECT_EQ(state.attributes, attributes);
  EXPECT_TRUE(state.paused);
  EXPECT_TRUE(state.full);
  EXPECT_EQ(state.message_begun_ms, 77U);
  EXPECT_EQ(state.missed_pings, 1U);
}

TEST(ConnectionStateRecording, OfAClosingConnectionIsUnderstood) {
  const ConnectionState state = recorded("closing");
  EXPECT_EQ(state.phase, ConnectionState::Phase::closing);
  EXPECT_EQ(state.close_code, 1001U);
  EXPECT_EQ(state.close_reason, "bye");
  EXPECT_TRUE(state.clean);
  EXPECT_TRUE(state.peer_closed);
}

TEST(ConnectionStateRecording, OfAnUnfinishedHandshakeIsUnderstood) {
  const ConnectionState state = recorded("opening");
  EXPECT_EQ(state.phase, ConnectionState::Phase::opening);
  EXPECT_EQ(text(state.input), "GET / HTTP/1.1\r\nHos");
  EXPECT_EQ(state.remote_address, "2001:db8::7");
  EXPECT_FALSE(state.visible);
}

TEST(ConnectionStateRecording, OfALastFarewellIsUnderstood) {
  const ConnectionState state = recorded("lingering");
  EXPECT_EQ(state.phase, ConnectionState::Phase::lingering);
  EXPECT_EQ(text(state.output), "\x88\x02\x03\xe8");
}

TEST(ConnectionStateRecording, OfAConnectionInChannelsIsUnderstood) {
  const ConnectionState state = recorded("subscribed");
  EXPECT_EQ(state.id, 0x0200000300000007U);
  EXPECT_TRUE(state.visible);
  const std::vector<SubscriptionState> subscriptions = {
      {.channel = "room/lobby", .name = "Zo\u00eb", .question = 0, .asked_name = "", .joined = true, .kept = true},
      {.channel = "uid/7", .name = "", .question = 0, .asked_name = "", .joined = true, .kept = false},
      {.channel = "room/attic",
       .name = "Al",
       .question = (3ULL << 40) + 9,
       .asked_name = "Alice",
       .joined = false,
       .kept = true}};
  EXPECT_EQ(state.subscriptions, subscriptions);
}

TEST(ConnectionStateRecording, OfAReleaseBeforeTheChannelsNamesNone) {
  for (const char* name : {"idle", "busy", "closing", "opening", "lingering"}) {
    EXPECT_TRUE(recorded(name).subscriptions.empty()) << name;
  }
}

// Half a compressed message, with what it refers to: another release goes on with both.
TEST(ConnectionStateRecording, OfADeflatingConnectionIsUnderstood) {
  const ConnectionState state = recorded("deflate");
  ASSERT_TRUE(state.deflate);
  EXPECT_EQ(*state.deflate, (protocol::DeflateParameters{.server_window_bits = 15,
                                                         .client_window_bits = 12,
                                                         .server_takeover = protocol::ContextTakeover::no,
                                                         .client_takeover = protocol::ContextTakeover::yes}));
  const std::string said = R"({"type":"say","text":"hello hello hello"})";
  EXPECT_EQ(text(state.inflate_window), said);

  protocol::ScratchBuffer buffer;
  protocol::Inflater inflater(state.deflate->client_window_bits, state.deflate->client_takeover, buffer);
  inflater.restore_window(state.inflate_window);
  std::vector<std::byte> compressed(state.input.begin() + 6, state.input.end());
  for (const int byte : {0x21, 0x00}) compressed.push_back(static_cast<std::byte>(byte));
  ASSERT_EQ(inflater.inflate(compressed, 1000), protocol::Inflater::Result::whole);
  EXPECT_EQ(text({inflater.message().begin(), inflater.message().end()}), said);
}

TEST(ConnectionStateRecording, OfAReleaseWithoutDeflateMeansThatNothingWasAgreedOn) {
  for (const char* name : {"idle", "busy", "closing", "opening", "lingering"}) {
    EXPECT_FALSE(recorded(name).deflate) << name;
    EXPECT_TRUE(recorded(name).inflate_window.empty()) << name;
  }
}

}  // namespace
}  // namespace wsd::worker
