#include "tests/wsbench/frame_reader.h"

#include <gtest/gtest.h>

#include "tests/unit/protocol/wire.h"

namespace wsd::bench {
namespace {

using protocol::Opcode;
using protocol::test::Bytes;
using protocol::test::bytes;
using protocol::test::for_each_cutting;
using protocol::test::operator+;

struct Message {
  Opcode opcode;
  std::string payload;
  bool is_compressed = false;
  bool operator==(const Message&) const = default;
};

struct Outcome {
  std::vector<Message> messages;
  std::string problem;
  bool is_between_messages = false;
};

Outcome read(const std::vector<Bytes>& pieces, bool may_be_compressed = true) {
  FrameReader reader;
  if (may_be_compressed) reader.allow_compression();
  Outcome outcome;
  std::string data, control;
  std::uint64_t frame_size = 0;
  for (const Bytes& bytes : pieces) {
    std::span<const std::byte> input(bytes);
    FrameReader::Piece piece;
    FrameReader::Step step{};
    while ((step = reader.next(input, piece)) == FrameReader::Step::piece) {
      std::string& payload = is_control(piece.opcode) ? control : data;
      EXPECT_TRUE(!piece.begins_message || payload.empty());
      if (piece.begins_frame) frame_size = 0;
      payload += protocol::test::text(piece.bytes);
      frame_size += piece.bytes.size();
      EXPECT_EQ(piece.ends_frame, frame_size == piece.frame_size);
      EXPECT_TRUE(piece.ends_frame || !piece.ends_message);
      if (!piece.ends_message) continue;
      outcome.messages.push_back({piece.opcode, payload, piece.is_compressed});
      payload.clear();
    }
    outcome.problem = reader.problem();
    EXPECT_EQ(step == FrameReader::Step::failed, !outcome.problem.empty());
    if (step == FrameReader::Step::failed) break;
    EXPECT_TRUE(input.empty());
  }
  outcome.is_between_messages = reader.is_between_messages();
  return outcome;
}

Bytes frame(int first_byte, std::string_view payload) {
  Bytes made(protocol::max_server_header_size);
  made.resize(protocol::serialize_header(Opcode::text, payload.size(), made.data()));
  made[0] = static_cast<std::byte>(first_byte);
  return made + bytes(payload);
}

void expect_messages(const Bytes& wire, const std::vector<Message>& expected) {
  for_each_cutting(wire, [&](const std::vector<Bytes>& pieces) {
    const Outcome outcome = read(pieces);
    EXPECT_EQ(outcome.problem, "");
    EXPECT_TRUE(outcome.messages == expected);
    EXPECT_TRUE(outcome.is_between_messages);
  });
}

// `offending` is the shortest input that shows the violation: without its last byte, more is needed.
void expect_problem(const Bytes& offending, std::string_view problem, bool may_be_compressed = true) {
  for_each_cutting(offending + bytes({0, 0, 0, 0}), [&](const std::vector<Bytes>& pieces) {
    EXPECT_EQ(read(pieces, may_be_compressed).problem, problem);
  });
  EXPECT_EQ(read({offending}, may_be_compressed).problem, problem);
  const Bytes shorter(offending.begin(), offending.end() - 1);
  EXPECT_EQ(read({shorter}, may_be_compressed).problem, "");
}

TEST(FrameReaderTest, ReadsMessagesOfEveryLengthInAnyPieces) {
  for (const std::size_t size : {0U, 1U, 125U, 126U, 300U}) {
    const std::string text(size, 'a');
    expect_messages(frame(0x81, text) + frame(0x82, "b"), {{Opcode::text, text}, {Opcode::binary, "b"}});
  }
}

TEST(FrameReaderTest, ReadsALengthOfEightBytes) {
  const std::string text(70'000, 'c');
  const Bytes wire = frame(0x82, text) + frame(0x81, "d");
  std::vector<Bytes> pieces;
  for (std::size_t at = 0; at < wire.size(); at += 999) {
    const auto begin = wire.begin() + static_cast<std::ptrdiff_t>(at);
    pieces.emplace_back(begin, begin + static_cast<std::ptrdiff_t>(std::min<std::size_t>(999, wire.size() - at)));
  }
  const std::vector<Message> expected{{Opcode::binary, text}, {Opcode::text, "d"}};
  EXPECT_TRUE(read(pieces).messages == expected);
  EXPECT_TRUE(read({wire}).messages == expected);
}

TEST(FrameReaderTest, PutsFragmentsTogetherAroundControlFrames) {
  expect_messages(
      frame(0x01, "fra") + frame(0x89, "ping") + frame(0x00, "") + frame(0x00, "gm") + frame(0x8A, "") +
          frame(0x80, "ent") + frame(0x88, "\x03\xE8"),
      {{Opcode::ping, "ping"}, {Opcode::pong, ""}, {Opcode::text, "fragment"}, {Opcode::close, "\x03\xE8"}});
}

TEST(FrameReaderTest, KnowsWhichMessagesAreCompressed) {
  expect_messages(frame(0x41, "x") + frame(0x80, "y") + frame(0x82, "z") + frame(0xC2, ""),
                  {{Opcode::text, "xy", true}, {Opcode::binary, "z"}, {Opcode::binary, "", true}});
}

TEST(FrameReaderTest, IsNotBetweenMessagesInTheMiddleOfOne) {
  EXPECT_FALSE(read({frame(0x01, "begun")}).is_between_messages);
  EXPECT_FALSE(read({bytes({0x81})}).is_between_messages);
  EXPECT_FALSE(read({bytes({0x81, 5, 'a'})}).is_between_messages);
  EXPECT_TRUE(read({frame(0x01, "begun") + frame(0x80, "")}).is_between_messages);
}

TEST(FrameReaderTest, CopiesNothing) {
  const Bytes wire = frame(0x81, "payload");
  std::span<const std::byte> input(wire);
  FrameReader reader;
  FrameReader::Piece piece;
  ASSERT_EQ(reader.next(input, piece), FrameReader::Step::piece);
  EXPECT_EQ(piece.bytes.data(), wire.data() + 2);
}

TEST(FrameReaderTest, RefusesWhatNoServerMaySend) {
  expect_problem(bytes({0xA1}), "a frame with RSV2 or RSV3");
  expect_problem(bytes({0x91}), "a frame with RSV2 or RSV3");
  for (const int opcode : {3, 4, 5, 6, 7, 11, 12, 13, 14, 15}) {
    expect_problem(bytes({0x80 | opcode}), "a frame of an unknown opcode");
  }
  expect_problem(bytes({0x81, 0x85}), "a masked frame");
  expect_problem(bytes({0xC9}), "a control frame with RSV1");
  expect_problem(bytes({0x09}), "a fragmented control frame");
  expect_problem(bytes({0x89, 126}), "a control frame of over 125 bytes");
  expect_problem(bytes({0x80}), "a continuation without a beginning");
  expect_problem(frame(0x01, "a") + bytes({0x81}), "a new message inside a fragmented one");
  expect_problem(frame(0x41, "a") + bytes({0xC0}), "a continuation with RSV1");
  expect_problem(bytes({0xC1}), "a compressed message that was not agreed on", false);
  expect_problem(bytes({0x81, 126, 0, 125}), "a length in more bytes than it needs");
  expect_problem(bytes({0x81, 127, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF}), "a length in more bytes than it needs");
  expect_problem(bytes({0x81, 127, 0x80, 0, 0, 0, 0, 0, 0, 0}), "a length with its highest bit");
}

TEST(FrameReaderTest, StaysFailed) {
  FrameReader reader;
  FrameReader::Piece piece;
  const Bytes wrong = bytes({0x83}), right = frame(0x81, "a");
  std::span<const std::byte> input(wrong);
  ASSERT_EQ(reader.next(input, piece), FrameReader::Step::failed);
  input = right;
  EXPECT_EQ(reader.next(input, piece), FrameReader::Step::failed);
}

}  // namespace
}  // namespace wsd::bench
