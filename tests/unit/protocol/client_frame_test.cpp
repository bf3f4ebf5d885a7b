#include "protocol/client_frame.h"

#include <gtest/gtest.h>

#include "tests/unit/protocol/wire.h"

namespace wsd::protocol {
namespace {

using test::Bytes;
using test::bytes;
using test::test_key;

TEST(ClientFrame, MasksTheExampleOfTheRfc) {
  // §5.7, "a single-frame masked text message".
  Bytes frame;
  append_client_payload(frame, {true, false, Opcode::text, test_key, 5}, bytes("Hello"));
  EXPECT_EQ(frame, bytes({0x81, 0x85, 0x37, 0xFA, 0x21, 0x3D, 0x7F, 0x9F, 0x4D, 0x51, 0x58}));
}

TEST(ClientFrame, DeclaresMoreThanThereIsOfAPayload) {
  Bytes frame = bytes({0xAA});
  append_client_payload(frame, {false, true, Opcode::binary, test_key, 300}, bytes("H"));
  EXPECT_EQ(frame, bytes({0xAA, 0x42, 0xFE, 0x01, 0x2C, 0x37, 0xFA, 0x21, 0x3D, 0x7F}));
}

TEST(ClientFrame, AKeyTurnsWithItsPayload) {
  EXPECT_EQ(rotate(test_key, 0), test_key);
  EXPECT_EQ(rotate(test_key, 4), test_key);
  EXPECT_EQ(rotate(test_key, 1), (MaskingKey{test_key[1], test_key[2], test_key[3], test_key[0]}));
  EXPECT_EQ(rotate(test_key, 7), (MaskingKey{test_key[3], test_key[0], test_key[1], test_key[2]}));
}

}  // namespace
}  // namespace wsd::protocol
