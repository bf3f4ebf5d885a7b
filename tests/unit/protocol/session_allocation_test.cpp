// What a session allocates. A program of its own, since it looks at every allocation of the process.

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <memory>
#include <string>
#include <vector>

#include "protocol/session.h"
#include "protocol/utf8.h"
#include "tests/unit/protocol/heap_watch.h"
#include "tests/unit/protocol/wire.h"
#include "tests/unit/support/zlib_oracle.h"

namespace wsd::protocol {
namespace {

using test::Bytes;
using test::bytes;
using test::client_frame;
using test::HeapWatch;
using test::operator+;

constexpr std::uint64_t limit = 1 << 20;

// What an echo does with each event: frames the payload into an output buffer that it has already.
std::size_t echo(Session& session, std::span<std::byte> input, Bytes& output) {
  std::size_t messages = 0;
  std::size_t used = 0;
  while (session.next(input) == Session::Step::message) {
    const auto message = session.message();
    used = serialize_header(message.type, message.payload.size(), output.data());
    std::ranges::copy(message.payload, output.begin() + static_cast<std::ptrdiff_t>(used));
    ++messages;
  }
  return messages;
}

TEST(SessionAllocation, TheWatchSeesAllocations) {
  const HeapWatch watch;
  const auto seen = std::make_unique<int>(1);
  EXPECT_EQ(watch.allocations(), 1U);
}

TEST(SessionAllocation, EchoingWholeMessagesAllocatesNothing) {
  // Once in a process, simdjson finds out about its processor.
  ASSERT_TRUE(is_valid_utf8(Bytes(1000)));
  Bytes input;
  for (const std::size_t size : {0U, 20U, 125U, 126U, 1024U, 16384U, 65536U}) {
    input = input + client_frame(0x81, std::string(size, 'a')) + client_frame(0x82, std::string(size, 'b'));
  }
  Bytes output(100000);
  Session session(limit);
  const HeapWatch watch;
  EXPECT_EQ(echo(session, input, output), 14U);
  EXPECT_EQ(watch.allocations(), 0U);
}

TEST(SessionAllocation, EchoingCompressedMessagesAllocatesNothing) {
  ASSERT_TRUE(is_valid_utf8(Bytes(1000)));
  Bytes once;
  for (const std::size_t size : {1U, 20U, 1024U, 16384U, 65536U}) {
    once = once + client_frame(0xC1, wsd::test::ZlibDeflater().message(wsd::test::chatter(size)));
  }
  Bytes output(100000);
  ScratchBuffer buffer;
  Inflater inflater(15, ContextTakeover::no, buffer);
  Session session(limit);
  session.use_inflater(inflater);
  Bytes input = once;
  EXPECT_EQ(echo(session, input, output), 5U);  // zlib's window, the buffer
  input = once;
  const HeapWatch watch;
  EXPECT_EQ(echo(session, input, output), 5U);
  EXPECT_EQ(watch.allocations(), 0U);
}

TEST(SessionAllocation, AHeaderByteByByteAllocatesNothing) {
  Bytes header = bytes({0x82, 0xFF, 0, 0, 0, 0, 0, 1, 0, 0, 1, 2, 3, 4});
  Session session(limit);
  const HeapWatch watch;
  for (std::byte& byte : header) {
    std::span<std::byte> input(&byte, 1);
    ASSERT_EQ(session.next(input), Session::Step::need_more);
  }
  EXPECT_EQ(watch.allocations(), 0U);
}

TEST(SessionAllocation, AnIdleSessionOwnsNothing) {
  const HeapWatch watch;
  Session session(limit);
  {
    Bytes input = client_frame(0x01, std::string(5000, 'a')) + client_frame(0x89, "ping") + client_frame(0x80, "b") +
                  client_frame(0x8A, std::string(125, 'p'));
    std::size_t events = 0;
    for (std::byte& byte : input) {
      std::span<std::byte> piece(&byte, 1);
      while (session.next(piece) != Session::Step::need_more) ++events;
    }
    EXPECT_EQ(events, 3U);
  }
  EXPECT_EQ(watch.growth(), 0U);
}

// CVE-2022-35922 and others: memory by declaration.
TEST(SessionAllocation, DeclaringALargeMessageCostsThePeerItsBytes) {
  constexpr std::size_t sessions = 10000;
  std::vector<Session> all;
  all.reserve(sessions);
  const HeapWatch watch;
  for (std::size_t i = 0; i < sessions; ++i) {
    all.emplace_back(limit);
    // 1 MiB declared, one byte sent.
    std::array<std::byte, 15> begun{std::byte{0x82}, std::byte{0xFF}};
    begun[7] = std::byte{0x10};
    std::span<std::byte> input(begun);
    ASSERT_EQ(all.back().next(input), Session::Step::need_more);
  }
  EXPECT_LT(watch.growth() / sessions, 1024U);
}

TEST(SessionAllocation, RefusingALargeMessageAllocatesNothing) {
  Bytes header = bytes({0x82, 0xFF, 0x7F, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 1, 2, 3, 4, 5});
  Session session(limit);
  const HeapWatch watch;
  std::span<std::byte> input(header);
  EXPECT_EQ(session.next(input), Session::Step::failed);
  EXPECT_EQ(watch.allocations(), 0U);
}

// CVE-2026-48779: an object per fragment.
TEST(SessionAllocation, AMillionFragmentsOfOneByteCostTwiceTheirPayloadAtMost) {
  const Bytes first = client_frame(0x02, "x");
  const Bytes next = client_frame(0x00, "x");
  Session session(limit);
  Bytes piece;
  piece.reserve(next.size());
  const HeapWatch watch;
  std::size_t most = 0;
  for (std::size_t i = 0; i < 1'000'000; ++i) {
    piece = i == 0 ? first : next;
    std::span<std::byte> input(piece);
    ASSERT_EQ(session.next(input), Session::Step::need_more);
    if (i % 1000 == 0) most = std::max(most, watch.growth());
  }
  EXPECT_LE(most, 2 * limit);
  EXPECT_LT(watch.allocations(), 64U);
}

TEST(SessionAllocation, AFloodOfPingsAllocatesNothing) {
  Bytes ping = client_frame(0x89, "ping");
  Session session(limit);
  const HeapWatch watch;
  for (int i = 0; i < 10000; ++i) {
    std::span<std::byte> input(ping);
    ASSERT_EQ(session.next(input), Session::Step::ping);
    ASSERT_EQ(session.next(input), Session::Step::need_more);
  }
  EXPECT_EQ(watch.allocations(), 0U);
}

TEST(SessionAllocation, CloseSentAndAViolationAndThePeersCloseGiveMemoryBack) {
  const auto begin_message = [](Session& session) {
    Bytes begun = client_frame(0x02, std::string(10000, 'x'));
    std::span<std::byte> input(begun);
    ASSERT_EQ(session.next(input), Session::Step::need_more);
  };
  const HeapWatch watch;
  Session closing(limit);
  begin_message(closing);
  closing.close_sent();
  Session violated(limit);
  begin_message(violated);
  std::byte bad{0x83};
  std::span<std::byte> input(&bad, 1);
  EXPECT_EQ(violated.next(input), Session::Step::failed);
  Session closed(limit);
  begin_message(closed);
  {
    Bytes close = client_frame(0x88, "");
    input = close;
    EXPECT_EQ(closed.next(input), Session::Step::close);
  }
  EXPECT_EQ(watch.growth(), 0U);
}

}  // namespace
}  // namespace wsd::protocol
