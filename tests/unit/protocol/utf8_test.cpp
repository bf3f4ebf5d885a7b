#include "protocol/utf8.h"

#include <gtest/gtest.h>

#include <array>
#include <string>
#include <vector>

#include "tests/unit/protocol/utf8_reference.h"
#include "tests/unit/protocol/wire.h"

namespace wsd::protocol {
namespace {

using test::Bytes;
using test::bytes;
using test::reference_verdict;
using test::Verdict;
using test::operator+;

Verdict verdict_of(bool viable, const Utf8Validator& validator) {
  if (!viable) return Verdict::invalid;
  return validator.complete() ? Verdict::valid : Verdict::unfinished;
}

Verdict fed_in_two(std::span<const std::byte> text, std::size_t cut) {
  Utf8Validator validator;
  const bool viable = validator.feed(text.first(cut)) && validator.feed(text.subspan(cut));
  return verdict_of(viable, validator);
}

std::string hex(std::span<const std::byte> text) {
  std::string result;
  for (const std::byte byte : text) {
    result += "0123456789ABCDEF"[static_cast<unsigned>(byte) >> 4];
    result += "0123456789ABCDEF"[static_cast<unsigned>(byte) & 0xF];
    result += ' ';
  }
  return result;
}

void expect_same_at_every_cut(std::span<const std::byte> text) {
  const Verdict expected = reference_verdict(text);
  ASSERT_EQ(is_valid_utf8(text), expected == Verdict::valid) << hex(text);
  for (std::size_t cut = 0; cut <= text.size(); ++cut) {
    ASSERT_EQ(fed_in_two(text, cut), expected) << hex(text) << "cut at " << cut;
  }
}

// Every byte at which some rule of Unicode's table 3-7 begins or ends, and its neighbours.
constexpr std::array<int, 32> telling_bytes = {0x00, 0x41, 0x7F, 0x80, 0x81, 0x8F, 0x90, 0x91, 0x9F, 0xA0, 0xA1,
                                               0xBE, 0xBF, 0xC0, 0xC1, 0xC2, 0xC3, 0xDF, 0xE0, 0xE1, 0xEC, 0xED,
                                               0xEE, 0xEF, 0xF0, 0xF1, 0xF3, 0xF4, 0xF5, 0xF8, 0xFE, 0xFF};

// Extends `begun`, an unfinished character, by every byte, down to the fourth byte.
void check_all_continuations(Bytes& begun, const Utf8Validator& validator) {
  for (int value = 0; value < 256; ++value) {
    begun.push_back(static_cast<std::byte>(value));
    Utf8Validator next = validator;
    const bool viable = next.feed(std::span(begun).last(1));
    const Verdict verdict = verdict_of(viable, next);
    if (verdict != reference_verdict(begun)) ADD_FAILURE() << hex(begun);
    if (verdict == Verdict::unfinished) check_all_continuations(begun, next);
    begun.pop_back();
  }
}

TEST(Utf8, JudgesEveryPossibleCharacterByteByByte) {
  Bytes begun;
  check_all_continuations(begun, Utf8Validator{});
}

TEST(Utf8, JudgesAllSequencesOfOneAndTwoBytesAtEveryCut) {
  for (int first = 0; first < 256; ++first) {
    expect_same_at_every_cut(bytes({first}));
    for (int second = 0; second < 256; ++second) expect_same_at_every_cut(bytes({first, second}));
  }
}

TEST(Utf8, JudgesSequencesOfThreeAndFourTellingBytesAtEveryCut) {
  for (const int first : telling_bytes) {
    for (const int second : telling_bytes) {
      for (const int third : telling_bytes) {
        expect_same_at_every_cut(bytes({first, second, third}));
        for (const int fourth : telling_bytes) {
          const Bytes text = bytes({first, second, third, fourth});
          ASSERT_EQ(fed_in_two(text, (static_cast<std::size_t>(first + fourth)) % 5), reference_verdict(text))
              << hex(text);
        }
      }
    }
  }
}

// simdjson looks at 64 bytes at a time; nothing may change at its seams, nor at ours.
TEST(Utf8, JudgesTheSameAtEveryPlaceOfALongText) {
  const std::vector<Bytes> samples = {
      bytes("\xC2\x80"),
      bytes("\xE4\xBD\xA0"),
      bytes("\xF0\x9F\x98\x80"),
      bytes("\xF4\x8F\xBF\xBF"),
      bytes("\xC0\xAF"),
      bytes("\xED\xA0\x80"),
      bytes("\xF4\x90\x80\x80"),
      bytes("\xE0\x80\x80"),
      bytes("\x80"),
      bytes("\xFF"),
      bytes("\xF0\x9F\x98"),
      bytes("\xE4\xBD"),
      bytes("\xF0\x8F\xBF\xBF"),
  };
  for (const Bytes& sample : samples) {
    for (std::size_t before = 0; before < 70; ++before) {
      for (const std::size_t behind : {0U, 13U, 40U}) {
        expect_same_at_every_cut(Bytes(before, std::byte{'x'}) + sample + Bytes(behind, std::byte{'y'}));
      }
    }
  }
}

TEST(Utf8, JudgesAllLengthsOfChineseTextAtEveryCut) {
  std::string text;
  for (int i = 0; i < 45; ++i) text += "\xE4\xBD\xA0";
  for (std::size_t size = 0; size <= text.size(); ++size) {
    expect_same_at_every_cut(bytes(std::string_view(text).substr(0, size)));
  }
}

TEST(Utf8, FailsAtTheFirstByteThatCannotBeRight) {
  Utf8Validator validator;
  EXPECT_TRUE(validator.feed(bytes({0xF4})));
  EXPECT_FALSE(validator.feed(bytes({0x90})));
}

TEST(Utf8, StaysFailed) {
  Utf8Validator validator;
  EXPECT_FALSE(validator.feed(bytes({0xFF})));
  EXPECT_FALSE(validator.feed(bytes("fine")));
  EXPECT_FALSE(validator.feed({}));
  EXPECT_FALSE(validator.complete());
}

TEST(Utf8, AnEmptyTextIsComplete) {
  Utf8Validator validator;
  EXPECT_TRUE(validator.feed({}));
  EXPECT_TRUE(validator.complete());
  EXPECT_TRUE(is_valid_utf8({}));
}

TEST(Utf8, ATextThatEndsInsideACharacterIsViableButNotComplete) {
  Utf8Validator validator;
  EXPECT_TRUE(validator.feed(bytes("\xE4\xBD")));
  EXPECT_FALSE(validator.complete());
  EXPECT_TRUE(validator.feed(bytes("\xA0")));
  EXPECT_TRUE(validator.complete());
}

TEST(Utf8, AValidatorIsOneByte) {
  EXPECT_EQ(sizeof(Utf8Validator), 1U);
}

}  // namespace
}  // namespace wsd::protocol
