#include "protocol/frame_parser.h"

#include <gtest/gtest.h>

#include <optional>

#include "tests/unit/protocol/wire.h"

namespace wsd::protocol {
namespace {

using test::Bytes;
using test::bytes;
using test::for_each_cutting;
using test::operator+;

struct Outcome {
  FrameParser::Step step = FrameParser::Step::need_more;
  FrameHeader header;
  ProtocolError error = ProtocolError::none;
  std::size_t consumed = 0;
};

Outcome parse_pieces(std::vector<Bytes> pieces) {
  FrameParser parser;
  Outcome outcome;
  for (Bytes& piece : pieces) {
    std::span<std::byte> input(piece);
    outcome.step = parser.next(input);
    outcome.consumed += piece.size() - input.size();
    if (outcome.step != FrameParser::Step::need_more) break;
    EXPECT_TRUE(input.empty());
  }
  outcome.header = parser.header();
  outcome.error = parser.error();
  return outcome;
}

// `header` and four bytes of payload, in every cutting.
void expect_header(const Bytes& header, const FrameHeader& expected) {
  for_each_cutting(header + bytes("data"), [&](const std::vector<Bytes>& pieces) {
    const Outcome outcome = parse_pieces(pieces);
    ASSERT_EQ(outcome.step, FrameParser::Step::header);
    EXPECT_EQ(outcome.consumed, header.size());
    EXPECT_EQ(outcome.header.fin, expected.fin);
    EXPECT_EQ(outcome.header.rsv1, expected.rsv1);
    EXPECT_EQ(outcome.header.opcode, expected.opcode);
    EXPECT_EQ(outcome.header.masking_key, expected.masking_key);
    EXPECT_EQ(outcome.header.payload_length, expected.payload_length);
  });
}

// `offending` is the shortest input that shows the violation: without its last byte, more is needed.
void expect_violation(const Bytes& offending, ProtocolError expected) {
  for_each_cutting(offending + bytes({0, 0, 0, 0, 0, 0}), [&](const std::vector<Bytes>& pieces) {
    const Outcome outcome = parse_pieces(pieces);
    EXPECT_EQ(outcome.step, FrameParser::Step::failed);
    EXPECT_EQ(to_string(outcome.error), to_string(expected));
  });
  EXPECT_EQ(parse_pieces({offending}).step, FrameParser::Step::failed);
  const Bytes shorter(offending.begin(), offending.end() - 1);
  EXPECT_EQ(parse_pieces({shorter}).step, FrameParser::Step::need_more);
}

constexpr MaskingKey key{std::byte{1}, std::byte{2}, std::byte{3}, std::byte{4}};

TEST(FrameParser, ReadsAHeaderOfEachLengthEncoding) {
  expect_header(bytes({0x81, 0x80, 1, 2, 3, 4}), {true, false, Opcode::text, key, 0});
  expect_header(bytes({0x82, 0xFD, 1, 2, 3, 4}), {true, false, Opcode::binary, key, 125});
  expect_header(bytes({0x82, 0xFE, 0x00, 0x7E, 1, 2, 3, 4}), {true, false, Opcode::binary, key, 126});
  expect_header(bytes({0x82, 0xFE, 0xFF, 0xFF, 1, 2, 3, 4}), {true, false, Opcode::binary, key, 0xFFFF});
  expect_header(bytes({0x82, 0xFF, 0, 0, 0, 0, 0, 1, 0, 0, 1, 2, 3, 4}), {true, false, Opcode::binary, key, 0x10000});
  expect_header(bytes({0x82, 0xFF, 0x7F, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 1, 2, 3, 4}),
                {true, false, Opcode::binary, key, 0x7FFFFFFFFFFFFFFF});
}

TEST(FrameParser, ReadsEveryKnownOpcodeWithAndWithoutFin) {
  expect_header(bytes({0x00, 0x81, 1, 2, 3, 4}), {false, false, Opcode::continuation, key, 1});
  expect_header(bytes({0x80, 0x81, 1, 2, 3, 4}), {true, false, Opcode::continuation, key, 1});
  expect_header(bytes({0x01, 0x81, 1, 2, 3, 4}), {false, false, Opcode::text, key, 1});
  expect_header(bytes({0x02, 0x81, 1, 2, 3, 4}), {false, false, Opcode::binary, key, 1});
  expect_header(bytes({0x88, 0x82, 1, 2, 3, 4}), {true, false, Opcode::close, key, 2});
  expect_header(bytes({0x89, 0xFD, 1, 2, 3, 4}), {true, false, Opcode::ping, key, 125});
  expect_header(bytes({0x8A, 0x80, 1, 2, 3, 4}), {true, false, Opcode::pong, key, 0});
}

TEST(FrameParser, ReportsRsv1OnAMessagesFirstFrame) {
  expect_header(bytes({0xC1, 0x81, 1, 2, 3, 4}), {true, true, Opcode::text, key, 1});
  expect_header(bytes({0x42, 0x81, 1, 2, 3, 4}), {false, true, Opcode::binary, key, 1});
}

TEST(FrameParser, RefusesReservedBitsAtTheFirstByte) {
  for (const int first : {0x91, 0xA1, 0xB1, 0xF1, 0x92, 0xA0, 0x99, 0xA8}) {
    expect_violation(bytes({first}), ProtocolError::reserved_bits_set);
  }
}

TEST(FrameParser, RefusesRsv1OnControlFramesAndContinuations) {
  for (const int first : {0xC0, 0x40, 0xC8, 0xC9, 0xCA}) {
    expect_violation(bytes({first}), ProtocolError::reserved_bits_set);
  }
}

TEST(FrameParser, RefusesUnknownOpcodesAtTheFirstByte) {
  for (const int opcode : {0x3, 0x4, 0x5, 0x6, 0x7, 0xB, 0xC, 0xD, 0xE, 0xF}) {
    expect_violation(bytes({0x80 | opcode}), ProtocolError::unknown_opcode);
    expect_violation(bytes({opcode}), ProtocolError::unknown_opcode);
  }
}

TEST(FrameParser, RefusesAFragmentedControlFrameAtTheFirstByte) {
  for (const int first : {0x08, 0x09, 0x0A}) {
    expect_violation(bytes({first}), ProtocolError::control_frame_fragmented);
  }
}

TEST(FrameParser, RefusesAnUnmaskedFrameAtTheSecondByte) {
  expect_violation(bytes({0x81, 0x00}), ProtocolError::frame_not_masked);
  expect_violation(bytes({0x82, 0x05}), ProtocolError::frame_not_masked);
  expect_violation(bytes({0x81, 0x7F}), ProtocolError::frame_not_masked);
  expect_violation(bytes({0x88, 0x00}), ProtocolError::frame_not_masked);
}

TEST(FrameParser, RefusesALongControlFrameAtTheSecondByte) {
  for (const int first : {0x88, 0x89, 0x8A}) {
    expect_violation(bytes({first, 0xFE}), ProtocolError::control_frame_too_long);
    expect_violation(bytes({first, 0xFF}), ProtocolError::control_frame_too_long);
  }
}

TEST(FrameParser, RefusesANonMinimalLength) {
  expect_violation(bytes({0x81, 0xFE, 0x00, 0x00}), ProtocolError::payload_length_not_minimal);
  expect_violation(bytes({0x81, 0xFE, 0x00, 0x7D}), ProtocolError::payload_length_not_minimal);
  expect_violation(bytes({0x81, 0xFF, 0, 0, 0, 0, 0, 0, 0, 0}), ProtocolError::payload_length_not_minimal);
  expect_violation(bytes({0x81, 0xFF, 0, 0, 0, 0, 0, 0, 0, 0x7D}), ProtocolError::payload_length_not_minimal);
  expect_violation(bytes({0x81, 0xFF, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF}), ProtocolError::payload_length_not_minimal);
}

TEST(FrameParser, RefusesALengthWithTheTopBit) {
  expect_violation(bytes({0x81, 0xFF, 0x80, 0, 0, 0, 0, 0, 0, 0}), ProtocolError::payload_length_too_large);
  expect_violation(bytes({0x81, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF}),
                   ProtocolError::payload_length_too_large);
}

TEST(FrameParser, StaysFailed) {
  FrameParser parser;
  Bytes bad = bytes({0x83});
  std::span<std::byte> input(bad);
  EXPECT_EQ(parser.next(input), FrameParser::Step::failed);
  Bytes good = bytes({0x81, 0x80, 1, 2, 3, 4});
  input = good;
  EXPECT_EQ(parser.next(input), FrameParser::Step::failed);
  EXPECT_EQ(parser.error(), ProtocolError::unknown_opcode);
}

TEST(FrameParser, ReadsOneHeaderAfterAnother) {
  FrameParser parser;
  Bytes two = bytes({0x01, 0x80, 1, 2, 3, 4, 0x80, 0x83, 5, 6, 7, 8});
  std::span<std::byte> input(two);
  ASSERT_EQ(parser.next(input), FrameParser::Step::header);
  EXPECT_EQ(parser.header().payload_length, 0U);
  ASSERT_EQ(parser.next(input), FrameParser::Step::header);
  EXPECT_EQ(parser.header().payload_length, 3U);
  EXPECT_EQ(parser.next(input), FrameParser::Step::need_more);
}

TEST(FrameParser, KnowsWhetherAHeaderHasBegun) {
  FrameParser parser;
  EXPECT_FALSE(parser.in_header());
  Bytes first = bytes({0x81});
  std::span<std::byte> input(first);
  EXPECT_EQ(parser.next(input), FrameParser::Step::need_more);
  EXPECT_TRUE(parser.in_header());
  Bytes rest = bytes({0x80, 1, 2, 3, 4});
  input = rest;
  EXPECT_EQ(parser.next(input), FrameParser::Step::header);
  EXPECT_FALSE(parser.in_header());
}

}  // namespace
}  // namespace wsd::protocol
