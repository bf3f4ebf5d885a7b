#include "protocol/mask.h"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

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

TEST(Mask, UnmasksTheExampleOfTheRfc) {
  // §5.7, "a single-frame masked text message".
  Bytes payload = bytes({0x7F, 0x9F, 0x4D, 0x51, 0x58});
  unmask(payload, test_key, 0);
  EXPECT_EQ(test::text(payload), "Hello");
}

TEST(Mask, IsItsOwnInverse) {
  Bytes payload = bytes("Two turns of the same key leave every byte as it was.");
  const Bytes original = payload;
  unmask(payload, test_key, 3);
  EXPECT_NE(payload, original);
  unmask(payload, test_key, 3);
  EXPECT_EQ(payload, original);
}

TEST(Mask, WorksAtEveryAlignmentAndLengthAndTouchesNothingElse) {
  constexpr std::byte untouched{0xA5};
  alignas(64) static std::byte buffer[64 + longest + 64];
  const Bytes expected = key_stream(longest, 0);
  for (std::size_t alignment = 0; alignment < 64; ++alignment) {
    for (std::size_t size = 0; size <= longest; ++size) {
      const std::span<std::byte> payload(buffer + 1 + alignment, size);
      std::ranges::fill(payload, std::byte{0});
      std::byte& before = buffer[alignment] = untouched;
      std::byte& behind = buffer[1 + alignment + size] = untouched;
      unmask(payload, test_key, 0);
      ASSERT_EQ(std::memcmp(payload.data(), expected.data(), size), 0)
          << "alignment " << alignment << ", size " << size;
      ASSERT_TRUE(before == untouched && behind == untouched) << "alignment " << alignment << ", size " << size;
    }
  }
}

TEST(Mask, StaysWithinPagesThatMayNotBeTouched) {
  const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  const std::size_t room = (longest + page - 1) / page * page;
  void* const mapped = mmap(nullptr, room + 2 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  ASSERT_NE(mapped, MAP_FAILED);
  std::byte* const begin = static_cast<std::byte*>(mapped) + page;
  ASSERT_EQ(mprotect(begin, room, PROT_READ | PROT_WRITE), 0);
  for (std::size_t size = 0; size <= longest; ++size) {
    unmask({begin, size}, test_key, 0);
    unmask({begin + room - size, size}, test_key, 0);
  }
  ASSERT_EQ(munmap(mapped, room + 2 * page), 0);
}

TEST(Mask, GoesOnWhereAnEarlierPieceEnded) {
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
