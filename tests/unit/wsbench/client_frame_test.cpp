#include "tests/wsbench/client_frame.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

#include "protocol/frame_parser.h"
#include "protocol/mask.h"

namespace wsd::bench {
namespace {

using protocol::FrameParser;
using protocol::Opcode;

TEST(ClientFrameTest, IsWhatAServerReads) {
  MaskingKeys keys;
  for (const std::size_t size : {0U, 1U, 125U, 126U, 65535U, 65536U}) {
    std::string payload(size, 'x');
    if (size > 0) payload.back() = 'y';
    std::string frame = client_frame(Opcode::binary, payload, keys.next());
    std::span<std::byte> input = std::as_writable_bytes(std::span(frame));
    FrameParser parser;
    ASSERT_EQ(parser.next(input), FrameParser::Step::header) << size;
    EXPECT_TRUE(parser.header().fin);
    EXPECT_EQ(parser.header().opcode, Opcode::binary);
    ASSERT_EQ(parser.header().payload_length, size);
    ASSERT_EQ(input.size(), size);
    protocol::unmask(input, parser.header().masking_key, 0);
    EXPECT_EQ(std::string(reinterpret_cast<const char*>(input.data()), input.size()), payload);
  }
}

TEST(ClientFrameTest, EachHasAKeyOfItsOwn) {
  MaskingKeys keys;
  std::set<std::string> seen;
  for (int i = 0; i < 10'000; ++i) {
    const protocol::MaskingKey key = keys.next();
    seen.emplace(reinterpret_cast<const char*>(key.data()), key.size());
  }
  EXPECT_EQ(seen.size(), 10'000U);
}

}  // namespace
}  // namespace wsd::bench
