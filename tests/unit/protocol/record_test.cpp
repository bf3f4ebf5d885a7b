#include "protocol/record.h"

#include <gtest/gtest.h>

#include "tests/unit/protocol/wire.h"

namespace wsd::protocol {
namespace {

using test::Bytes;

Bytes sample() {
  RecordWriter writer(7);
  writer.add(1, "one").add_number(2, 0x0102030405060708).add(1, "another").add(3, "");
  return {writer.bytes().begin(), writer.bytes().end()};
}

TEST(Record, ReadsWhatWasWritten) {
  const Bytes bytes = sample();
  const auto record = RecordReader::parse(bytes);
  ASSERT_TRUE(record);
  EXPECT_EQ(record->type(), 7);
  EXPECT_EQ(record->find(1), "one");
  EXPECT_EQ(record->find_all(1), (std::vector<std::string_view>{"one", "another"}));
  EXPECT_EQ(record->number(2), 0x0102030405060708U);
  EXPECT_EQ(record->find(3), "");
}

TEST(Record, AFieldThatIsNotThereOrNoNumberIsNothing) {
  const Bytes bytes = sample();
  const auto record = RecordReader::parse(bytes);
  ASSERT_TRUE(record);
  EXPECT_EQ(record->find(4), std::nullopt);
  EXPECT_EQ(record->number(4), std::nullopt);
  EXPECT_EQ(record->number(1), std::nullopt);
  EXPECT_TRUE(record->find_all(4).empty());
}

TEST(Record, FieldsOfALaterReleaseAreSkippedWhereverTheyStand) {
  RecordWriter writer(7);
  writer.add(900, std::string(70'000, 'x')).add(1, "one").add_number(901, 1).add_number(2, 42).add(0xFFFF, "");
  const auto record = RecordReader::parse(writer.bytes());
  ASSERT_TRUE(record);
  EXPECT_EQ(record->find(1), "one");
  EXPECT_EQ(record->number(2), 42U);
}

TEST(Record, CarriesAnyBytesAndAnyNumber) {
  const std::string bytes("\0\xFF\n\0", 4);
  RecordWriter writer(0);
  writer.add(1, bytes).add_number(2, 0).add_number(3, ~std::uint64_t{0});
  const auto record = RecordReader::parse(writer.bytes());
  ASSERT_TRUE(record);
  EXPECT_EQ(record->find(1), bytes);
  EXPECT_EQ(record->number(2), 0U);
  EXPECT_EQ(record->number(3), ~std::uint64_t{0});
}

TEST(Record, WithoutFieldsIsARecord) {
  const RecordWriter writer(0xFFFF);
  const auto record = RecordReader::parse(writer.bytes());
  ASSERT_TRUE(record);
  EXPECT_EQ(record->type(), 0xFFFF);
}

TEST(Record, CutAnywhereIsARecordOnlyWhereAFieldEnds) {
  const Bytes whole = sample();
  // The type alone, then behind each field of 6 bytes and its value.
  const std::vector<std::size_t> field_ends = {2, 11, 25, 38, 44};
  for (std::size_t size = 0; size <= whole.size(); ++size) {
    const Bytes cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
    EXPECT_EQ(RecordReader::parse(cut).has_value(), std::ranges::count(field_ends, size) == 1) << size;
  }
}

TEST(Record, ALengthBeyondTheEndIsNoRecord) {
  Bytes bytes = sample();
  std::ranges::fill(std::span(bytes).subspan(4, 4), std::byte{0xFF});
  EXPECT_FALSE(RecordReader::parse(bytes));
}

}  // namespace
}  // namespace wsd::protocol
