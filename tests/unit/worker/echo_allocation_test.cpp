// From recv to send: what a message costs in allocations.
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <array>
#include <memory>
#include <string>
#include <vector>

#include "tests/unit/protocol/heap_watch.h"
#include "tests/unit/support/zlib_oracle.h"
#include "tests/unit/worker/support/connection_bench.h"

namespace wsd::worker {
namespace {

using protocol::test::HeapWatch;
using namespace test;

class EchoAllocation : public testing::Test {
 protected:
  static App echo() {
    App app;
    app.on_message = [](Connection& connection, Message message) { (void)connection.send(message.data, message.type); };
    return app;
  }
  static App greeting() {
    App app;
    app.on_message = [](Connection& connection, Message message) {
      (void)connection.send({"hello ", message.data}, message.type);
    };
    return app;
  }

  static Peer open_deflating(ConnectionBench& bench) {
    Peer peer = bench.connect();
    peer.send(protocol::test::with_header("Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits"));
    bench.turn();
    EXPECT_TRUE(peer.receive().starts_with("HTTP/1.1 101 "));
    return peer;
  }

  // Without the heap, unlike Peer.
  static void write(const Peer& peer, const std::string& bytes) {
    EXPECT_EQ(::send(peer.descriptor(), bytes.data(), bytes.size(), 0), static_cast<ssize_t>(bytes.size()));
  }
  std::size_t drain(const Peer& peer) {
    std::size_t size = 0;
    for (ssize_t count = 0; (count = ::recv(peer.descriptor(), buffer_.data(), buffer_.size(), 0)) > 0;) {
      size += static_cast<std::size_t>(count);
    }
    return size;
  }

  // Allocations of `turns` turns in which every peer sends `input` and reads an answer of `answer_size`.
  std::size_t allocations(ConnectionBench& bench, const std::vector<Peer>& peers, const std::string& input,
                          std::size_t answer_size, int turns = 50) {
    const auto turn = [&] {
      for (const Peer& peer : peers) write(peer, input);
      bench.turn();
      for (const Peer& peer : peers) EXPECT_EQ(drain(peer), answer_size);
    };
    turn();  // the lists of a turn grow to their size once
    turn();
    const HeapWatch watch;
    for (int i = 0; i < turns; ++i) turn();
    return watch.allocations();
  }

  std::array<char, 65536> buffer_{};
};

TEST_F(EchoAllocation, TheWatchSeesAllocationsOfAnApplication) {
  App app;
  app.on_message = [](Connection& connection, Message message) {
    (void)connection.send(std::string(100, 'x') + std::string(message.data));
  };
  ConnectionBench bench(std::move(app));
  std::vector<Peer> peers;
  peers.push_back(bench.open());
  EXPECT_GE(allocations(bench, peers, client_frame(0x81, "hello"), 107), 50U);
}

TEST_F(EchoAllocation, AMessageOfAnySizeThatComesWholeAllocatesNothing) {
  ConnectionBench bench(echo());
  std::vector<Peer> peers;
  peers.push_back(bench.open());
  for (const std::size_t size : {0U, 20U, 125U, 126U, 1024U, 16'383U, 16'384U, 40'000U}) {
    const std::string frame = client_frame(0x81, std::string(size, 'x'));
    EXPECT_EQ(allocations(bench, peers, frame, frame.size() - 4), 0U) << size;
  }
}

TEST_F(EchoAllocation, AMessageSentInPiecesAllocatesNothing) {
  ConnectionBench bench(greeting());
  std::vector<Peer> peers;
  peers.push_back(bench.open());
  for (const std::size_t size : {0U, 20U, 1024U, 20'000U}) {
    const std::string frame = client_frame(0x82, std::string(size, 'x'));
    const std::size_t answer = protocol::server_header_size(size + 6) + size + 6;
    EXPECT_EQ(allocations(bench, peers, frame, answer), 0U) << size;
  }
}

TEST_F(EchoAllocation, ManyMessagesOfATurnFromManyPeersAllocateNothing) {
  ConnectionBench bench(greeting());
  std::vector<Peer> peers;
  for (int i = 0; i < 40; ++i) peers.push_back(bench.open());
  std::string input;
  for (int i = 0; i < 30; ++i) input += client_frame(0x81, "hello");
  EXPECT_EQ(allocations(bench, peers, input, 30 * 13), 0U);
}

TEST_F(EchoAllocation, PingsAndPongsAllocateNothing) {
  ConnectionBench bench(echo());
  std::vector<Peer> peers;
  peers.push_back(bench.open());
  EXPECT_EQ(allocations(bench, peers, client_frame(0x89, "ping") + client_frame(0x8A, "pong"), 6), 0U);
}

TEST_F(EchoAllocation, ACompressedMessageThatComesWholeAllocatesNothing) {
  Limits limits;
  limits.deflate.enabled = true;
  ConnectionBench bench(echo(), limits);
  std::vector<Peer> peers;
  peers.push_back(open_deflating(bench));
  for (const std::size_t size : {256U, 1024U, 16'384U, 100'000U}) {
    const std::string frame = client_frame(0xC1, wsd::test::ZlibDeflater(15, 3).message(wsd::test::chatter(size)));
    EXPECT_EQ(allocations(bench, peers, frame, frame.size() - 4), 0U) << size;
  }
}

TEST_F(EchoAllocation, AQuietConnectionCostsHardlyMoreWithDeflate) {
  constexpr std::size_t count = 200;
  const auto cost = [](const Limits& limits) {
    ConnectionBench bench(echo(), limits);
    std::vector<Peer> peers;
    for (std::size_t i = 0; i < count; ++i) peers.push_back(open_deflating(bench));
    peers.clear();
    bench.turn();
    peers.reserve(count);
    const HeapWatch watch;
    for (std::size_t i = 0; i < count; ++i) peers.push_back(open_deflating(bench));
    return watch.growth() / count;
  };
  Limits limits;
  const std::size_t without = cost(limits);
  limits.deflate.enabled = true;
  EXPECT_LE(cost(limits), without + 100);
}

// The record of the turn, the frame, and lists that are made anew; nothing for each of those who get it.
TEST_F(EchoAllocation, APublicationCostsTheSameForAHundredSubscribersAsForOne) {
  const auto allocations_of = [this](std::size_t subscribers, std::size_t size) {
    App app;
    app.on_open = [](Connection& connection) { connection.subscribe("news"); };
    app.on_message = [](Connection& connection, Message message) { (void)connection.publish("news", message.data); };
    ConnectionBench bench(std::move(app));
    std::vector<Peer> peers;
    for (std::size_t i = 0; i < subscribers + 1; ++i) peers.push_back(bench.open());
    const std::string input = client_frame(0x81, std::string(size, 'x'));
    const auto turn = [&] {
      write(peers[0], input);
      bench.turn();
      for (std::size_t i = 1; i < peers.size(); ++i) EXPECT_EQ(drain(peers[i]), input.size() - 4);
    };
    for (int i = 0; i < 5; ++i) turn();
    const HeapWatch watch;
    for (int i = 0; i < 20; ++i) turn();
    return watch.allocations();
  };
  for (const std::size_t size : {20U, 1024U, 5000U, 40'000U}) {
    const std::size_t for_one = allocations_of(1, size);
    EXPECT_LE(for_one, 20U * 4U) << size;
    EXPECT_EQ(allocations_of(100, size), for_one) << size;
  }
}

TEST_F(EchoAllocation, AQuietConnectionHoldsLittleMoreThanItself) {
  ConnectionBench bench(echo());
  constexpr std::size_t count = 200;
  std::vector<Peer> peers;
  for (std::size_t i = 0; i < count; ++i) peers.push_back(bench.open());
  peers.clear();
  bench.turn();
  ASSERT_TRUE(bench.is_empty());
  peers.reserve(count);
  const HeapWatch watch;
  for (std::size_t i = 0; i < count; ++i) peers.push_back(bench.open());
  // The connection, its transport, its request's head, and the bench's own map.
  EXPECT_LT(watch.growth() / count, 1536U);
}

}  // namespace
}  // namespace wsd::worker
