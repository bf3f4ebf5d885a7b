#include "worker/connection_state.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/unit/worker/support/sockets.h"

namespace wsd::worker {
namespace {

using test::bytes_of;
using Phase = ConnectionState::Phase;

std::vector<std::byte> bytes(std::string_view text) {
  return {bytes_of(text).begin(), bytes_of(text).end()};
}

// No field has its default, and no two the same value.
ConnectionState full() {
  return {.id = 0x0102030405060708,
          .phase = Phase::closing,
          .remote_address = "2001:db8::7",
          .head = bytes("GET / HTTP/1.1\r\n\r\n"),
          .input = bytes(std::string_view("\0\xFFinput", 7)),
          .output = bytes("output"),
          .attributes = {{"user", "7"}, {"", "an empty name"}, {"empty", ""}, {"user", "8"}},
          .subscriptions =
              {{.channel = "room/lobby",
                .name = "Alice",
                .question = 0xFFFFFFFFFFFFFFFB,
                .asked_name = "Alicia",
                .joined = true,
                .kept = false},
               {.channel = "uid/7", .name = "", .question = 0, .asked_name = "", .joined = false, .kept = true}},
          .deflate = protocol::DeflateParameters{.server_window_bits = 9,
                                                 .client_window_bits = 8,
                                                 .server_takeover = protocol::ContextTakeover::yes,
                                                 .client_takeover = protocol::ContextTakeover::yes},
          .inflate_window = bytes("what was said"),
          .traffic = {.messages_in = 0xFFFFFFFFFFFFFFF1,
                      .messages_out = 0xFFFFFFFFFFFFFFF2,
                      .bytes_in = 0xFFFFFFFFFFFFFFF3,
                      .bytes_out = 0xFFFFFFFFFFFFFFF4},
          .tls = TlsProtocol::v1_3,
          .visible = true,
          .paused = true,
          .full = true,
          .clean = true,
          .peer_closed = true,
          .close_code = 4001,
          .close_reason = "a reason",
          .due_ms = 0xFFFFFFFFFFFFFFFF,
          .opened_ms = 0x1FFFFFFFB,
          .last_message_ms = 0x1FFFFFFFE,
          .last_ping_ms = 0xFFFFFFFD,
          .message_begun_ms = 0xFFFFFFFC,
          .missed_pings = 2,
          .closed_by = 4};
}

TEST(ConnectionState, EveryFieldArrives) {
  const auto record = encode(full());
  EXPECT_EQ(decode_connection(record.bytes()), full());
}

TEST(ConnectionState, EachFlagArrivesByItself) {
  for (int bit = 0; bit < 5; ++bit) {
    ConnectionState state;
    state.id = 1;
    bool* const flags[] = {&state.visible, &state.paused, &state.full, &state.clean, &state.peer_closed};
    *flags[bit] = true;
    EXPECT_EQ(decode_connection(encode(state).bytes()), state) << bit;
  }
}

TEST(ConnectionState, ParametersOfDeflateArrive) {
  using protocol::ContextTakeover;
  ConnectionState state;
  state.id = 1;
  for (const std::uint8_t server_bits : std::initializer_list<std::uint8_t>{9, 12, 15}) {
    for (const std::uint8_t client_bits : std::initializer_list<std::uint8_t>{8, 11, 15}) {
      for (const auto takeover : {ContextTakeover::no, ContextTakeover::yes}) {
        state.deflate = {server_bits, client_bits, takeover, ContextTakeover::no};
        EXPECT_EQ(decode_connection(encode(state).bytes()), state);
        state.deflate = {server_bits, client_bits, ContextTakeover::no, takeover};
        EXPECT_EQ(decode_connection(encode(state).bytes()), state);
      }
    }
  }
}

TEST(ConnectionState, ParametersOfDeflateThatZlibCannotHaveAreRefused) {
  const auto with = [](std::uint64_t server_bits, std::uint64_t client_bits, std::size_t window) {
    ConnectionState state;
    state.id = 1;
    auto record = encode(state);
    record.add_number(30, server_bits).add_number(31, client_bits).add(34, std::string(window, 'w'));
    return decode_connection(record.bytes());
  };
  EXPECT_TRUE(with(9, 8, 32768));
  EXPECT_FALSE(with(9, 8, 32769));
  for (const std::uint64_t bits : {std::uint64_t{0}, std::uint64_t{7}, std::uint64_t{16}, std::uint64_t{256 + 15}}) {
    EXPECT_FALSE(with(bits, 15, 0)) << bits;
    EXPECT_FALSE(with(15, bits, 0)) << bits;
  }
  EXPECT_FALSE(with(8, 15, 0));
  EXPECT_FALSE(with(0, 0, 1)) << "a window of nothing";
}

TEST(ConnectionState, EveryPhaseArrives) {
  for (const Phase phase : {Phase::opening, Phase::open, Phase::closing, Phase::lingering}) {
    ConnectionState state;
    state.id = 1;
    state.phase = phase;
    EXPECT_EQ(decode_connection(encode(state).bytes()), state);
  }
}

TEST(ConnectionState, ACloseCodeOfZeroIsNotTheDefault) {
  ConnectionState state;
  state.id = 1;
  state.close_code = 0;
  EXPECT_EQ(decode_connection(encode(state).bytes()), state);
}

TEST(ConnectionState, OneThatWaitsForNothingIsSmall) {
  ConnectionState state;
  state.id = 1;
  state.phase = Phase::open;
  EXPECT_LT(encode(state).bytes().size(), 64U);
}

TEST(ConnectionState, LargeFieldsArriveWhole) {
  ConnectionState state;
  state.id = 1;
  state.input = std::vector<std::byte>(5'000'000, std::byte{'i'});
  state.output = std::vector<std::byte>(3'000'000, std::byte{'o'});
  EXPECT_EQ(decode_connection(encode(state).bytes()), state);
}

// A record has no length of its own, so one that is cut where a field ends reads as one of an older release: fields
// behind the cut have their defaults. Anywhere else, and where id or phase are missing, it is refused.
TEST(ConnectionState, CutAnywhereItIsRefusedOrLacksWholeFields) {
  const auto record = encode(full());
  const auto whole = record.bytes();
  std::size_t accepted = 0;
  for (std::size_t size = 0; size < whole.size(); ++size) {
    const std::vector<std::byte> cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
    const auto state = decode_connection(cut);
    if (!state) continue;
    ++accepted;
    EXPECT_EQ(state->id, full().id);
    EXPECT_EQ(state->phase, full().phase);
    EXPECT_TRUE(state->output.empty() || state->output == full().output);
    EXPECT_TRUE(state->close_reason.empty() || state->close_reason == full().close_reason);
    EXPECT_NE(*state, full());
  }
  EXPECT_GT(accepted, 10U);
  EXPECT_LT(accepted, 36U);
}

TEST(ConnectionState, ANameWithoutAValueIsRefused) {
  auto record = encode(full());
  record.add(8, "a name");
  EXPECT_FALSE(decode_connection(record.bytes()));
}

// Without a channel it takes part in nothing; and what is no record was not written by us.
TEST(ConnectionState, ASubscriptionThatIsNoneIsRefused) {
  for (const std::string_view bytes :
       {std::string_view("nonsense"), std::string_view("\xCA\0", 2), std::string_view("\xCA\0\1\0\0\0\0\0", 8)}) {
    auto record = encode(full());
    record.add(22, bytes);
    EXPECT_FALSE(decode_connection(record.bytes())) << testing::PrintToString(bytes);
  }
  auto record = encode(full());
  record.add(22, std::string_view("\xCA\0\1\0\1\0\0\0c", 9));
  const auto state = decode_connection(record.bytes());
  ASSERT_TRUE(state);
  SubscriptionState expected;
  expected.channel = "c";
  EXPECT_EQ(state->subscriptions.back(), expected) << "202, then field 1 of one byte";
}

TEST(ConnectionState, FieldsOfALaterReleaseAreSkipped) {
  auto record = encode(full());
  record.add(900, "what is this").add_number(901, 7);
  EXPECT_EQ(decode_connection(record.bytes()), full());
}

TEST(ConnectionState, WithoutAnIdOrAPhaseThereIsNoConnection) {
  protocol::RecordWriter nothing(connection_record);
  EXPECT_FALSE(decode_connection(nothing.bytes()));
  protocol::RecordWriter no_phase(connection_record);
  no_phase.add_number(1, 7);
  EXPECT_FALSE(decode_connection(no_phase.bytes()));
  protocol::RecordWriter no_id(connection_record);
  no_id.add_number(2, 2);
  EXPECT_FALSE(decode_connection(no_id.bytes()));
  protocol::RecordWriter enough(connection_record);
  enough.add_number(1, 7).add_number(2, 2);
  EXPECT_TRUE(decode_connection(enough.bytes()));
}

TEST(ConnectionState, APhaseThatDoesNotTravelOrIsUnknownIsRefused) {
  for (const std::uint64_t phase : {std::uint64_t{0}, std::uint64_t{5}, std::uint64_t{6}, std::uint64_t{257}}) {
    protocol::RecordWriter record(connection_record);
    record.add_number(1, 7).add_number(2, phase);
    EXPECT_FALSE(decode_connection(record.bytes())) << phase;
  }
}

TEST(ConnectionState, ARecordOfAnotherTypeIsNoConnection) {
  protocol::RecordWriter record(connection_record + 1);
  record.add_number(1, 7).add_number(2, 2);
  EXPECT_FALSE(decode_connection(record.bytes()));
}

}  // namespace
}  // namespace wsd::worker
