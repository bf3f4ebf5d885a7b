#include "worker/record_stream.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace wsd::worker {
namespace {

std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text));
}

std::string text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

TEST(RecordStream, RecordsComeOutAsTheyWentIn) {
  std::vector<std::byte> stream;
  for (const std::string_view record : {"one", "", "three"}) append_record(stream, bytes_of(record));
  std::span<const std::byte> rest(stream);
  EXPECT_EQ(text_of(*take_record(rest)), "one");
  EXPECT_EQ(text_of(*take_record(rest)), "");
  EXPECT_EQ(next_record_size(rest), 5U);
  EXPECT_EQ(text_of(*take_record(rest)), "three");
  EXPECT_TRUE(rest.empty());
  EXPECT_FALSE(take_record(rest).has_value());
}

TEST(RecordStream, NothingIsTakenOfARecordThatIsNotWhole) {
  std::vector<std::byte> stream;
  append_record(stream, bytes_of("record"));
  for (std::size_t size = 0; size < stream.size(); ++size) {
    std::span<const std::byte> part(stream.data(), size);
    EXPECT_FALSE(take_record(part).has_value()) << size;
    EXPECT_EQ(part.size(), size);
    EXPECT_EQ(next_record_size(part), size < 4 ? 0U : 6U) << size;
  }
}

}  // namespace
}  // namespace wsd::worker
