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

// As much of the chain as can be taken at once, a string per piece.
std::vector<std::string> take(OutputArena::Chain& chain) {
  OutputArena::Pieces pieces;
  OutputArena::take(chain, pieces);
  std::vector<std::string> texts;
  for (const iovec& piece : std::span(pieces.data).first(pieces.count)) {
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

TEST(OutputArena, LentBytesArePiecesWhereTheyLie) {
  OutputArena arena(4096);
  OutputArena::Chain chain;
  const std::string lent = "lent";
  std::byte* const room = arena.extend(chain, 2, std::as_bytes(std::span(lent)));
  ASSERT_NE(room, nullptr);
  std::ranges::copy(std::as_bytes(std::span(std::string_view("h:"))), room);
  ASSERT_TRUE(write(arena, chain, "next"));
  EXPECT_EQ(chain.size(), 10U);
  OutputArena::Pieces pieces;
  OutputArena::take(chain, pieces);
  ASSERT_EQ(pieces.count, 3U);
  EXPECT_EQ(pieces.data[1].iov_base, lent.data());
  EXPECT_TRUE(chain.empty());
}

TEST(OutputArena, LendsAllOrNothing) {
  const std::string lent(1000, 'x');
  for (std::size_t capacity = 0; capacity < 200; ++capacity) {
    OutputArena arena(capacity);
    OutputArena::Chain chain;
    const bool lends = arena.extend(chain, 10, std::as_bytes(std::span(lent))) != nullptr;
    EXPECT_EQ(chain.size(), lends ? 1010U : 0U) << capacity;
  }
}

// `count` pieces, since another connection sends in between: "0,", "1,", …
Texts add_pieces(OutputArena& arena, OutputArena::Chain& chain, std::size_t count) {
  OutputArena::Chain other;
  Texts texts;
  for (std::size_t i = 0; i < count; ++i) {
    texts.push_back(std::to_string(i) + ",");
    EXPECT_TRUE(write(arena, chain, texts.back()));
    EXPECT_TRUE(write(arena, other, "-"));
  }
  return texts;
}

TEST(OutputArena, IsTakenInPartsWhenThereAreMorePiecesThanFit) {
  OutputArena arena(65536);
  OutputArena::Chain chain;
  const Texts texts = add_pieces(arena, chain, 64 + 64 + 5);
  EXPECT_EQ(take(chain), Texts(texts.begin(), texts.begin() + 64));
  EXPECT_EQ(chain.size(), 36U * 3U + 33U * 4U);
  EXPECT_EQ(take(chain), Texts(texts.begin() + 64, texts.begin() + 128));
  EXPECT_FALSE(chain.empty());
  EXPECT_EQ(take(chain), Texts(texts.begin() + 128, texts.end()));
  EXPECT_TRUE(chain.empty());
  EXPECT_TRUE(take(chain).empty());
}

TEST(OutputArena, WhatIsAddedBehindATakenPartFollowsTheRest) {
  OutputArena arena(65536);
  OutputArena::Chain chain;
  const Texts texts = add_pieces(arena, chain, 65);
  EXPECT_EQ(take(chain).size(), 64U);
  OutputArena::Chain other;
  ASSERT_TRUE(write(arena, other, "-"));
  ASSERT_TRUE(write(arena, chain, "last"));
  EXPECT_EQ(take(chain), (Texts{texts.back(), "last"}));
}

TEST(OutputArena, WhatIsAddedWhenEverythingWasTakenDoesNotTouchWhatWasTaken) {
  OutputArena arena(4096);
  OutputArena::Chain chain;
  ASSERT_TRUE(write(arena, chain, "taken"));
  OutputArena::Pieces pieces;
  OutputArena::take(chain, pieces);
  ASSERT_EQ(pieces.count, 1U);
  ASSERT_TRUE(write(arena, chain, "later"));
  EXPECT_EQ(chain.size(), 5U);
  EXPECT_EQ(std::string(static_cast<const char*>(pieces.data[0].iov_base), pieces.data[0].iov_len), "taken");
  EXPECT_EQ(take(chain), Texts{"later"});
}

TEST(OutputArena, ASharedFrameIsAPieceOfItsOwnThatIsNotCopied) {
  OutputArena arena(4096);
  OutputArena::Chain chain;
  const SharedFrame frame(MessageType::text, "shared");
  ASSERT_TRUE(write(arena, chain, "before"));
  ASSERT_TRUE(arena.extend(chain, frame));
  ASSERT_TRUE(write(arena, chain, "behind,"));
  ASSERT_TRUE(write(arena, chain, "too"));
  EXPECT_EQ(chain.size(), 6U + 8U + 10U);
  OutputArena::Pieces pieces;
  OutputArena::take(chain, pieces);
  ASSERT_EQ(pieces.count, 3U);
  EXPECT_EQ(pieces.frames[0], nullptr);
  EXPECT_EQ(pieces.frames[1], &frame);
  EXPECT_EQ(pieces.data[1].iov_base, frame.bytes().data());
  EXPECT_EQ(pieces.data[1].iov_len, 8U);
  EXPECT_EQ(pieces.frames[2], nullptr);
  EXPECT_EQ(std::string(static_cast<const char*>(pieces.data[2].iov_base), pieces.data[2].iov_len), "behind,too");
  EXPECT_TRUE(chain.empty());
}

TEST(OutputArena, ASharedFrameTakesNoRoomButItsMention) {
  OutputArena arena(256);
  const SharedFrame frame(MessageType::binary, std::string(100'000, 'x'));
  OutputArena::Chain chain;
  std::size_t count = 0;
  while (arena.extend(chain, frame)) ++count;
  EXPECT_GE(count, 6U);
  EXPECT_EQ(chain.size(), count * frame.size());
  EXPECT_EQ(take(chain).size(), count) << "and when the arena is full, what is there stays as it is";
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
    EXPECT_TRUE(filled == 0 || head <= 40U) << capacity;
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
