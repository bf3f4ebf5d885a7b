#include "protocol/deflate_stream.h"

#include <gtest/gtest.h>

#include <ctime>
#include <string>
#include <vector>

#include "tests/unit/protocol/wire.h"
#include "tests/unit/support/zlib_oracle.h"

namespace wsd::protocol {
namespace {

using test::bytes;
using test::text;
using wsd::test::chatter;
using wsd::test::noise;
using wsd::test::ZlibDeflater;
using wsd::test::ZlibInflater;
using Result = Inflater::Result;

constexpr std::uint64_t limit = 1 << 20;

class DeflateStream : public testing::Test {
 protected:
  // As text, or what was wrong.
  static std::string inflated(Inflater& inflater, std::string_view compressed, std::uint64_t max_size = limit) {
    const std::string exact(compressed);  // for the sanitizer
    switch (inflater.inflate(bytes(exact), max_size)) {
      case Result::whole:
        return text(inflater.message());
      case Result::too_big:
        return "too big";
      case Result::corrupt:
        return "corrupt";
    }
    return "?";
  }
  std::string inflated(std::string_view compressed) { return inflated(inflater_, compressed); }
  std::string inflated(const test::Bytes& compressed) { return inflated(inflater_, text(compressed)); }

  static std::optional<std::string> deflated(Deflater& deflater, std::string_view message) {
    const auto compressed = deflater.deflate({message}, message.size());
    return compressed ? std::optional(text(*compressed)) : std::nullopt;
  }

  ScratchBuffer input_;
  ScratchBuffer output_;
  Inflater inflater_{15, ContextTakeover::no, input_};
  Inflater with_takeover_{15, ContextTakeover::yes, input_};
};

// ---- RFC 7692 §7.2.3
// -------------------------------------------------------------------------------------------------

TEST_F(DeflateStream, InflatesOneCompressedBlock) {
  EXPECT_EQ(inflated(bytes({0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00})), "Hello");  // §7.2.3.1
}

TEST_F(DeflateStream, SharesTheWindowBetweenMessages) {
  const std::string first = text(bytes({0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00}));  // §7.2.3.2
  const std::string second = text(bytes({0xf2, 0x00, 0x11, 0x00, 0x00}));
  EXPECT_EQ(inflated(with_takeover_, first), "Hello");
  EXPECT_EQ(inflated(with_takeover_, second), "Hello");
  // Without takeover there is nothing to refer to.
  EXPECT_EQ(inflated(first), "Hello");
  EXPECT_EQ(inflated(second), "corrupt");
  EXPECT_EQ(inflated(first), "Hello") << "and the next one's message is none the worse for it";
}

TEST_F(DeflateStream, InflatesABlockWithoutCompression) {
  EXPECT_EQ(inflated(bytes({0x00, 0x05, 0x00, 0xfa, 0xff, 0x48, 0x65, 0x6c, 0x6c, 0x6f, 0x00})), "Hello");  // §7.2.3.3
}

TEST_F(DeflateStream, InflatesABlockWithBfinal) {
  EXPECT_EQ(inflated(bytes({0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 0x00})), "Hello");  // §7.2.3.4
}

TEST_F(DeflateStream, InflatesTwoBlocksInOneMessage) {
  EXPECT_EQ(inflated(bytes({0xf2, 0x48, 0x05, 0x00, 0x00, 0x00, 0xff, 0xff, 0xca, 0xc9, 0xc9, 0x07, 0x00})),
            "Hello");  // §7.2.3.5
}

TEST_F(DeflateStream, InflatesAnEmptyMessage) {
  EXPECT_EQ(inflated(bytes({0x00})), "");  // §7.2.3.6
  EXPECT_EQ(inflated(bytes({0x02, 0x00})), "");
  EXPECT_EQ(inflated(""), "") << "as zlib spells it where it was flushed before";
}

// ---- what else a peer may send
// ---------------------------------------------------------------------------------------

TEST_F(DeflateStream, TakesBlocksWithBfinalAnywhere) {
  const std::string final_block = text(bytes({0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00}));
  const std::string block = text(bytes({0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00}));
  EXPECT_EQ(inflated(final_block), "Hello") << "without the empty block behind it";
  EXPECT_EQ(inflated(final_block + final_block), "HelloHello");
  EXPECT_EQ(inflated(final_block + final_block + std::string(1, '\0')), "HelloHello");
  EXPECT_EQ(inflated(final_block + block), "HelloHello");
  EXPECT_EQ(inflated(text(bytes({0x01}))), "") << "the tail itself is the last block";
  EXPECT_EQ(inflated(with_takeover_, final_block + std::string(1, '\0')), "Hello");
  EXPECT_EQ(inflated(with_takeover_, text(bytes({0xf2, 0x00, 0x11, 0x00, 0x00}))), "Hello") << "the window stays";
}

TEST_F(DeflateStream, ManySmallBlocksCostLittle) {
  std::string blocks;
  for (int i = 0; i < 500'000; ++i) blocks += text(bytes({0x03, 0x00}));
  EXPECT_TRUE(inflated(with_takeover_, ZlibDeflater().message(noise(32768))) == noise(32768));
  const std::clock_t begin = std::clock();
  EXPECT_EQ(inflated(with_takeover_, blocks), "");
  EXPECT_LT(std::clock() - begin, 4 * CLOCKS_PER_SEC) << "each copies the window?";
}

TEST_F(DeflateStream, ReadsWhatZlibMakesInEveryWay) {
  for (const std::size_t size : {1U, 10U, 255U, 1000U, 16'383U, 16'384U, 16'385U, 70'000U}) {
    for (const std::string& message : {chatter(size), noise(size), std::string(size, '\0')}) {
      for (const int strategy : {Z_DEFAULT_STRATEGY, Z_HUFFMAN_ONLY, Z_FIXED, Z_RLE}) {
        for (const int level : {0, 1, 6, 9}) {
          ZlibDeflater zlib(15, level, 1 + level % 9, strategy);
          ASSERT_TRUE(inflated(zlib.message(message)) == message) << size << " " << strategy << " " << level;
        }
      }
    }
  }
}

TEST_F(DeflateStream, ReadsWhatZlibMakesWithEveryFlush) {
  const std::string message = chatter(20'000);
  for (const int flush : {Z_NO_FLUSH, Z_PARTIAL_FLUSH, Z_SYNC_FLUSH, Z_FULL_FLUSH, Z_BLOCK}) {
    ZlibDeflater zlib;
    std::string compressed;
    for (std::size_t at = 0; at < message.size(); at += 1000) compressed += zlib.feed(message.substr(at, 1000), flush);
    compressed += zlib.message("!");
    EXPECT_TRUE(inflated(compressed) == message + "!") << flush;
  }
}

TEST_F(DeflateStream, EveryWindowSizeIsReadWithAWindowOfThatSize) {
  const std::string message = chatter(100'000);
  for (int bits = 9; bits <= 15; ++bits) {
    ScratchBuffer output;
    Inflater inflater(static_cast<std::uint8_t>(bits), ContextTakeover::yes, output);
    ZlibDeflater zlib(bits);
    for (int i = 0; i < 3; ++i) ASSERT_TRUE(inflated(inflater, zlib.message(message)) == message) << bits;
  }
}

TEST_F(DeflateStream, SaysThatAStreamIsCorruptOrUnfinished) {
  const std::string whole = ZlibDeflater().message(chatter(500));
  for (std::size_t size = 1; size < whole.size(); ++size) {
    // Cut anywhere the tail does not complete it, save where a cut looks like another whole message.
    const std::string cut = inflated(whole.substr(0, size));
    ASSERT_TRUE(cut == "corrupt" || chatter(500).starts_with(cut)) << size << cut;
  }
  EXPECT_EQ(inflated(bytes({0x07})), "corrupt");                               // a block of a type that does not exist
  EXPECT_EQ(inflated(bytes({0x00, 0x05, 0x00, 0x00, 0x00, 'x'})), "corrupt");  // lengths that do not agree
  EXPECT_EQ(inflated(std::string(1, '\xFF')), "corrupt");
  EXPECT_EQ(inflated("plain text"), "corrupt");
  EXPECT_EQ(inflated(whole), chatter(500)) << "the next message begins afresh";
}

TEST_F(DeflateStream, StopsOneByteOverTheLimit) {
  const std::string message = chatter(5000);
  const std::string compressed = ZlibDeflater().message(message);
  EXPECT_EQ(inflated(inflater_, compressed, 5000), message);
  EXPECT_EQ(inflated(inflater_, compressed, 4999), "too big");
  EXPECT_EQ(input_.size(), 5000U);
  EXPECT_EQ(inflated(inflater_, compressed, 0), "too big");
  EXPECT_EQ(inflated(inflater_, text(bytes({0x00})), 0), "");
  EXPECT_EQ(inflated(inflater_, ZlibDeflater().message(std::string(16384, 'x')), 16384), std::string(16384, 'x'));
}

// 256 MiB of zeros in a quarter of one.
TEST_F(DeflateStream, ABombTakesNoMoreThanTheLimit) {
  std::string bomb;
  ZlibDeflater zlib(15, 9);
  const std::string zeros(1 << 20, '\0');
  for (int i = 0; i < 256; ++i) bomb += zlib.feed(zeros, i == 255 ? Z_SYNC_FLUSH : Z_NO_FLUSH);
  EXPECT_LT(bomb.size(), 300'000U);
  EXPECT_EQ(inflated(inflater_, bomb), "too big");
  EXPECT_EQ(input_.size(), limit + 1);
  EXPECT_LE(input_.capacity(), limit + 1);
  inflater_.release();
  EXPECT_EQ(input_.capacity(), 0U);
}

TEST_F(DeflateStream, TenThousandMessagesWithTakeoverStayWhole) {
  Deflater deflater({}, ContextTakeover::yes, output_);
  ZlibInflater zlib;
  ZlibDeflater client;
  for (unsigned i = 0; i < 10'000; ++i) {
    const std::string message = i % 7 == 0 ? noise(i % 3000, i) : chatter(i % 3000, i);
    const auto compressed = deflated(deflater, message);
    ASSERT_EQ(compressed.has_value(), !message.empty());
    if (compressed) {
      ASSERT_TRUE(zlib.message(*compressed) == message) << i;
    }
    ASSERT_TRUE(inflated(with_takeover_, client.message(message)) == message) << i;
  }
}

TEST_F(DeflateStream, AWindowMovesToAnotherInflaterBetweenAnyTwoMessages) {
  ZlibDeflater zlib;
  auto inflater = std::make_unique<Inflater>(15, ContextTakeover::yes, input_);
  for (unsigned i = 0; i < 500; ++i) {
    const std::string message = chatter(i * 7, i / 2);  // each is there twice
    ASSERT_EQ(inflated(*inflater, zlib.message(message)), message) << i;
    const auto window = inflater->window();
    EXPECT_LE(window.size(), 32768U);
    inflater = std::make_unique<Inflater>(15, ContextTakeover::yes, input_);
    inflater->restore_window(window);
  }
}

// ---- Deflater
// --------------------------------------------------------------------------------------------------------

TEST_F(DeflateStream, ZlibReadsEverySettingAndSize) {
  for (const std::uint8_t bits : std::initializer_list<std::uint8_t>{9, 10, 11, 12, 13, 14, 15}) {
    ZlibInflater zlib(bits);
    for (const std::uint8_t level : std::initializer_list<std::uint8_t>{1, 3, 6, 9}) {
      for (const std::uint8_t memory_level : std::initializer_list<std::uint8_t>{1, 8, 9}) {
        Deflater deflater({.window_bits = bits, .memory_level = memory_level, .level = level}, ContextTakeover::no,
                          output_);
        for (const std::size_t size : {100U, 1000U, 16'384U, 50'000U}) {
          const auto compressed = deflated(deflater, chatter(size));
          ASSERT_TRUE(compressed);
          EXPECT_LT(compressed->size(), size);
          zlib.reset();
          ASSERT_TRUE(zlib.message(*compressed) == chatter(size)) << int{bits} << " " << int{level} << " " << size;
        }
      }
    }
  }
}

TEST_F(DeflateStream, GathersPieces) {
  Deflater deflater({}, ContextTakeover::no, output_);
  const std::string message = chatter(1000);
  const std::string_view view = message;
  const auto compressed = deflater.deflate({"", view.substr(0, 1), view.substr(1, 600), view.substr(601), ""}, 1000);
  ASSERT_TRUE(compressed);
  EXPECT_EQ(ZlibInflater().message(text(*compressed)), message);
}

TEST_F(DeflateStream, EachMessageWithoutTakeoverStandsAlone) {
  Deflater deflater({}, ContextTakeover::no, output_);
  const auto first = deflated(deflater, chatter(1000));
  EXPECT_EQ(deflated(deflater, chatter(1000)), first);
}

TEST_F(DeflateStream, GivesUpAMessageThatDoesNotShrink) {
  Deflater deflater({}, ContextTakeover::no, output_);
  for (const std::size_t size : {0U, 1U, 5U, 100U, 16'384U, 1'000'000U}) {
    EXPECT_EQ(deflated(deflater, noise(size)), std::nullopt) << size;
    EXPECT_LE(output_.size(), size + 3);
  }
  EXPECT_TRUE(deflated(deflater, chatter(1000)));
}

TEST_F(DeflateStream, WithTakeoverWhatDoesNotShrinkIsPartOfTheWindowToo) {
  Deflater deflater({}, ContextTakeover::yes, output_);
  const auto first = deflated(deflater, noise(1000));
  const auto second = deflated(deflater, noise(1000));
  ASSERT_TRUE(first && second);
  EXPECT_LT(second->size(), 50U);
  ZlibInflater zlib;
  EXPECT_EQ(zlib.message(*first), noise(1000));
  EXPECT_EQ(zlib.message(*second), noise(1000));
}

TEST_F(DeflateStream, CanStartAfreshBetweenMessages) {
  Deflater deflater({}, ContextTakeover::yes, output_);
  ASSERT_TRUE(deflated(deflater, chatter(1000)));
  deflater.start_afresh();
  const auto afresh = deflated(deflater, chatter(1000));
  EXPECT_EQ(ZlibInflater().message(*afresh), chatter(1000)) << "though this peer has not seen the first one";
}

}  // namespace
}  // namespace wsd::protocol
