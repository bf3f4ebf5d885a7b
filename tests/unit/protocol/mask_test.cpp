#include "protocol/mask.h"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "tests/unit/protocol/wire.h"

namespace wsd::protocol {
namespace {

using test::Bytes;
using test::bytes;
using test::test_key;

constexpr std::size_t longest = 4200;

// What zeros become.
Bytes key_stream(std::size_t size, std::size_t phase) {
  Bytes stream;
  for (std::size_t i = 0; i < size; ++i) stream.push_back(test_key[(phase + i) % 4]);
  return stream;
}

// Each way to do it that this processor has, and the choice among them.
class Mask : public testing::TestWithParam<std::optional<MaskCode>> {
 protected:
  void SetUp() override {
    if (GetParam() && !is_supported(*GetParam())) GTEST_SKIP() << "not on this processor";
  }
  static Ascii unmask(std::span<std::byte> payload, MaskingKey key, std::size_t phase) {
    return GetParam() ? unmask_with(*GetParam(), payload, key, phase) : protocol::unmask(payload, key, phase);
  }
};

std::string name_of(const testing::TestParamInfo<std::optional<MaskCode>>& info) {
  if (!info.param) return "Chosen";
  return *info.param == MaskCode::avx2 ? "Avx2" : "Portable";
}

INSTANTIATE_TEST_SUITE_P(Codes, Mask, testing::Values(std::nullopt, MaskCode::portable, MaskCode::avx2), name_of);

// Every length up to some turns of the widest step, and some large ones.
std::vector<std::size_t> sizes() {
  std::vector<std::size_t> all;
  for (std::size_t size = 0; size <= 300; ++size) all.push_back(size);
  all.insert(all.end(), {511, 512, 513, 1000, 1023, 2048, 4095, 4096, longest});
  return all;
}

TEST_P(Mask, UnmasksTheExampleOfTheRfc) {
  // §5.7, "a single-frame masked text message".
  Bytes payload = bytes({0x7F, 0x9F, 0x4D, 0x51, 0x58});
  EXPECT_EQ(unmask(payload, test_key, 0), Ascii::yes);
  EXPECT_EQ(test::text(payload), "Hello");
}

TEST_P(Mask, IsItsOwnInverse) {
  Bytes payload = bytes("Two turns of the same key leave every byte as it was.");
  const Bytes original = payload;
  unmask(payload, test_key, 3);
  EXPECT_NE(payload, original);
  unmask(payload, test_key, 3);
  EXPECT_EQ(payload, original);
}

TEST_P(Mask, WorksAtEveryAlignmentAndLengthAndTouchesNothingElse) {
  constexpr std::byte untouched{0xA5};
  alignas(64) static std::byte buffer[64 + longest + 64];
  for (std::size_t alignment = 0; alignment < 64; ++alignment) {
    for (const std::size_t size : sizes()) {
      const std::size_t phase = (alignment + size) % 5;
      const Bytes expected = key_stream(size, phase);
      const std::span<std::byte> payload(buffer + 1 + alignment, size);
      std::ranges::fill(payload, std::byte{0});
      std::byte& before = buffer[alignment] = untouched;
      std::byte& behind = buffer[1 + alignment + size] = untouched;
      unmask(payload, test_key, phase);
      ASSERT_TRUE(std::ranges::equal(payload, expected)) << "alignment " << alignment << ", size " << size;
      ASSERT_TRUE(before == untouched && behind == untouched) << "alignment " << alignment << ", size " << size;
    }
  }
}

TEST_P(Mask, SeesTheOneByteThatIsNotAscii) {
  alignas(64) static std::byte buffer[64 + 400];
  for (const std::size_t alignment : {0U, 1U, 14U, 31U, 33U}) {
    for (std::size_t size = 0; size <= 300; ++size) {
      const std::span<std::byte> payload(buffer + alignment, size);
      const Bytes keys = key_stream(size, 2);
      std::ranges::copy(keys, payload.begin());
      ASSERT_EQ(unmask(payload, test_key, 2), Ascii::yes) << size;
      for (std::size_t at = 0; at < size; ++at) {
        std::ranges::copy(keys, payload.begin());
        payload[at] ^= std::byte{0x80};
        ASSERT_EQ(unmask(payload, test_key, 2), Ascii::no) << "byte " << at << " of " << size;
      }
    }
  }
}

TEST_P(Mask, StaysWithinPagesThatMayNotBeTouched) {
  const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  const std::size_t room = (longest + page - 1) / page * page;
  void* const mapped = mmap(nullptr, room + 2 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  ASSERT_NE(mapped, MAP_FAILED);
  std::byte* const begin = static_cast<std::byte*>(mapped) + page;
  ASSERT_EQ(mprotect(begin, room, PROT_READ | PROT_WRITE), 0);
  for (const std::size_t size : sizes()) {
    unmask({begin, size}, test_key, 0);
    unmask({begin + room - size, size}, test_key, 0);
  }
  ASSERT_EQ(munmap(mapped, room + 2 * page), 0);
}

TEST_P(Mask, GoesOnWhereAnEarlierPieceEnded) {
  const Bytes whole = key_stream(100, 0);
  for (std::size_t cut = 0; cut <= whole.size(); ++cut) {
    Bytes payload(whole.size());
    const std::span<std::byte> view(payload);
    unmask(view.first(cut), test_key, 0);
    unmask(view.subspan(cut), test_key, cut);
    ASSERT_EQ(payload, whole) << "cut at " << cut;
  }
}

}  // namespace
}  // namespace wsd::protocol
