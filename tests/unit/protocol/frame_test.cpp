#include "protocol/frame.h"

#include <gtest/gtest.h>

#include "tests/unit/protocol/wire.h"

namespace wsd::protocol {
namespace {

using test::Bytes;
using test::bytes;

Bytes serialized(Opcode opcode, std::uint64_t payload_length, Fin fin = Fin::yes, Rsv1 rsv1 = Rsv1::no) {
  Bytes out(max_server_header_size);
  const std::size_t size = serialize_header(opcode, payload_length, out.data(), fin, rsv1);
  EXPECT_EQ(size, server_header_size(payload_length));
  out.resize(size);
  return out;
}

TEST(Frame, HeaderOfASmallPayloadHasTwoBytes) {
  EXPECT_EQ(serialized(Opcode::text, 0), bytes({0x81, 0x00}));
  EXPECT_EQ(serialized(Opcode::binary, 125), bytes({0x82, 0x7D}));
}

TEST(Frame, HeaderUsesTheMinimalLengthEncoding) {
  EXPECT_EQ(serialized(Opcode::text, 126), bytes({0x81, 126, 0x00, 0x7E}));
  EXPECT_EQ(serialized(Opcode::text, 0xFFFF), bytes({0x81, 126, 0xFF, 0xFF}));
  EXPECT_EQ(serialized(Opcode::text, 0x10000), bytes({0x81, 127, 0, 0, 0, 0, 0, 1, 0, 0}));
  EXPECT_EQ(serialized(Opcode::text, 0x0102030405060708), bytes({0x81, 127, 1, 2, 3, 4, 5, 6, 7, 8}));
}

TEST(Frame, HeaderCarriesFinRsv1AndOpcode) {
  EXPECT_EQ(serialized(Opcode::text, 1, Fin::no), bytes({0x01, 0x01}));
  EXPECT_EQ(serialized(Opcode::continuation, 1, Fin::yes), bytes({0x80, 0x01}));
  EXPECT_EQ(serialized(Opcode::binary, 1, Fin::no, Rsv1::yes), bytes({0x42, 0x01}));
  EXPECT_EQ(serialized(Opcode::close, 2), bytes({0x88, 0x02}));
  EXPECT_EQ(serialized(Opcode::ping, 0), bytes({0x89, 0x00}));
  EXPECT_EQ(serialized(Opcode::pong, 0), bytes({0x8A, 0x00}));
}

TEST(Frame, ControlFramesAreCloseAndPingAndPong) {
  EXPECT_TRUE(is_control(Opcode::close) && is_control(Opcode::ping) && is_control(Opcode::pong));
  EXPECT_FALSE(is_control(Opcode::continuation) || is_control(Opcode::text) || is_control(Opcode::binary));
}

}  // namespace
}  // namespace wsd::protocol
