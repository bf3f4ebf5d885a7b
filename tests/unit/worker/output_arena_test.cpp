#include "worker/output_arena.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <vector>

namespace wsd::worker {
namespace {

bool write(OutputArena& arena, OutputArena::Chain& chain, std::string_view text) {
  std::byte* const room = arena.extend(chain, text.size());
  if (room == nullptr) return false;
  std::ranges::copy(std::as_bytes(std::span(text)), room);
  return true;
}

// Everything in the chain, a string per piece.
std::vector<std::string> take(OutputArena::Chain& chain, std::size_t pieces_at_once = 64) {
  std::vector<iovec> pieces(pieces_at_once);
  const std::size_t count = OutputArena::take(chain, pieces);
  std::vector<std::string> texts;
  for (const iovec& piece : std::span(pieces).first(count)) {
    texts.emplace_back(static_cast<const char*>(piece.iov_base), piece.iov_len);
  }
  return texts;
}

using Texts = std::vector<std::string>;

TEST(OutputArena, ConsecutiveSendsOfOneConnectionAreOnePiece) {
  OutputArena arena(4096);
  OutputArena::Chain chain;
  EXPECT_TRUE(chain.empty());
  ASSERT_TRUE(write(arena, chain, "one,"));
  ASSERT_TRUE(write(arena, chain, "two,"));
  ASSERT_TRUE(write(arena, chain, "three"));
  EXPECT_EQ(chain.size(), 13U);
  EXPECT_EQ(take(chain), Texts{"one,two,three"});
  EXPECT_TRUE(chain.empty());
  EXPECT_EQ(chain.size(), 0U);
}

TEST(OutputArena, InterleavedConnectionsKeepTheirBytesApartAndInOrder) {
  OutputArena arena(4096);
  OutputArena::Chain one;
  OutputArena::Chain other;
  // Odd sizes: the next extent has to be aligned.
  ASSERT_TRUE(write(arena, one, "a"));
  ASSERT_TRUE(write(arena, other, "123"));
  ASSERT_TRUE(write(arena, one, "bc"));
  ASSERT_TRUE(write(arena, one, "d"));
  ASSERT_TRUE(write(arena, other, "4567"));
  EXPECT_EQ(one.size(), 4U);
  EXPECT_EQ(other.size(), 7U);
  EXPECT_EQ(take(one), (Texts{"a", "bcd"}));
  EXPECT_EQ(take(other), (Texts{"123", "4567"}));
}

TEST(OutputArena, BytesOfNoLengthAreRoomToo) {
  OutputArena arena(4096);
  OutputArena::Chain chain;
  ASSERT_TRUE(write(arena, chain, ""));
  ASSERT_TRUE(write(arena, chain, "x"));
  EXPECT_EQ(take(chain), Texts{"x"});
}

TEST(OutputArena, IsTakenInPartsWhenThereAreMorePiecesThanAskedFor) {
  OutputArena arena(4096);
  OutputArena::Chain chain;
  OutputArena::Chain other;
  for (const char* text : {"1", "22", "333", "4444", "55555"}) {
    ASSERT_TRUE(write(arena, chain, text));
    ASSERT_TRUE(write(arena, other, "-"));
  }
  EXPECT_EQ(take(chain, 2), (Texts{"1", "22"}));
  EXPECT_EQ(chain.size(), 12U);
  EXPECT_EQ(take(chain, 2), (Texts{"333", "4444"}));
  EXPECT_FALSE(chain.empty());
  EXPECT_EQ(take(chain, 2), (Texts{"55555"}));
  EXPECT_TRUE(chain.empty());
  EXPECT_TRUE(take(chain, 2).empty());
}

TEST(OutputArena, WhatIsAddedBehindATakenPartFollowsTheRest) {
  OutputArena arena(4096);
  OutputArena::Chain chain;
  OutputArena::Chain other;
  ASSERT_TRUE(write(arena, chain, "first"));
  ASSERT_TRUE(write(arena, other, "-"));
  ASSERT_TRUE(write(arena, chain, "second,"));
  EXPECT_EQ(take(chain, 1), Texts{"first"});
  ASSERT_TRUE(write(arena, chain, "third"));
  EXPECT_EQ(take(chain), Texts{"second,third"});
}

TEST(OutputArena, WhatIsAddedWhenEverythingWasTakenDoesNotTouchWhatWasTaken) {
  OutputArena arena(4096);
  OutputArena::Chain chain;
  ASSERT_TRUE(write(arena, chain, "taken"));
  std::array<iovec, 1> piece{};
  ASSERT_EQ(OutputArena::take(chain, piece), 1U);
  ASSERT_TRUE(write(arena, chain, "later"));
  EXPECT_EQ(chain.size(), 5U);
  EXPECT_EQ(std::string(static_cast<const char*>(piece[0].iov_base), piece[0].iov_len), "taken");
  EXPECT_EQ(take(chain), Texts{"later"});
}

TEST(OutputArena, FullIsSaidAndChangesNothing) {
  OutputArena arena(256);
  OutputArena::Chain chain;
  EXPECT_FALSE(write(arena, chain, std::string(256, 'x')));  // an extent has a head of its own
  EXPECT_TRUE(chain.empty());
  ASSERT_TRUE(write(arena, chain, "begun,"));
  EXPECT_FALSE(write(arena, chain, std::string(256, 'x')));
  OutputArena::Chain other;
  EXPECT_FALSE(write(arena, other, std::string(256, 'x')));
  EXPECT_TRUE(other.empty());
  ASSERT_TRUE(write(arena, chain, "done"));
  EXPECT_EQ(take(chain), Texts{"begun,done"});
}

TEST(OutputArena, HoldsNeitherMoreNorLessThanItsCapacity) {
  // AddressSanitizer sees a byte too many; this one, that the last byte can be used.
  for (std::size_t capacity = 0; capacity < 200; ++capacity) {
    OutputArena arena(capacity);
    OutputArena::Chain chain;
    std::size_t filled = 0;
    while (write(arena, chain, "x")) ++filled;
    const std::size_t head = capacity - filled;
    EXPECT_TRUE(filled == 0 || head <= 32U) << capacity;
  }
}

TEST(OutputArena, ManySmallPiecesOfManyConnectionsFillItToTheEnd) {
  OutputArena arena(1000);
  std::array<OutputArena::Chain, 3> chains;
  std::array<std::string, 3> expected;
  for (std::size_t i = 0;; ++i) {
    const std::string text(i % 7, static_cast<char>('a' + i % 26));
    if (!write(arena, chains[i % 3], text)) break;
    expected[i % 3] += text;
  }
  for (std::size_t i = 0; i < 3; ++i) {
    std::string all;
    for (const std::string& text : take(chains[i])) all += text;
    EXPECT_EQ(all, expected[i]);
    EXPECT_FALSE(all.empty());
  }
}

TEST(OutputArena, AfterResetTheSameRoomIsThereAgain) {
  OutputArena arena(256);
  OutputArena::Chain chain;
  std::byte* const first = arena.extend(chain, 200);
  ASSERT_NE(first, nullptr);
  EXPECT_EQ(arena.extend(chain, 200), nullptr);
  EXPECT_EQ(take(chain).size(), 1U);
  EXPECT_EQ(arena.extend(chain, 200), nullptr) << "taken bytes stay where they are until reset()";
  arena.reset();
  OutputArena::Chain next;
  EXPECT_EQ(arena.extend(next, 200), first);
}

}  // namespace
}  // namespace wsd::worker
