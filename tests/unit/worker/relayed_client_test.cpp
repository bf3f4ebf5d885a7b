// With a plain stream in the place of TLS: what is on either side is no business of a relay's.

#include "worker/relayed_client.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "tests/unit/worker/support/sockets.h"
#include "worker/tcp_transport.h"

namespace wsd::worker {
namespace {

using test::Peer;

class RelayedClientTest : public testing::Test {
 protected:
  RelayedClientTest() {
    auto [client, far_client] = test::socket_pair();
    auto [worker, far_worker] = test::socket_pair();
    for (const int socket : {client.get(), worker.get(), far_client.get(), far_worker.get()}) {
      test::shrink_send_buffer(socket);
    }
    client_ = std::make_unique<Peer>(std::move(far_client));
    worker_ = std::make_unique<Peer>(std::move(far_worker));
    relayed_ = std::make_unique<RelayedClient>(context_, std::make_unique<TcpTransport>(std::move(client)),
                                               std::make_unique<TcpTransport>(std::move(worker)));
    relayed_->start();
  }

  void turns(int count = 5) {
    for (int i = 0; i < count; ++i) loop_.turn();
    if (!context_.gone.empty()) relayed_.reset();
  }
  [[nodiscard]] bool is_gone() const { return relayed_ == nullptr; }

  // As much as the other side's kernel takes, until it and the relay are full.
  std::string stuff(Peer& peer) {
    std::string sent;
    for (int quiet = 0; quiet < 5;) {
      const std::string text(1000, static_cast<char>('a' + sent.size() / 1000 % 26));
      const ssize_t count = ::send(peer.descriptor(), text.data(), text.size(), MSG_NOSIGNAL);
      if (count > 0) sent += text.substr(0, static_cast<std::size_t>(count));
      quiet = count > 0 ? 0 : quiet + 1;
      turns(1);
    }
    return sent;
  }
  std::string receive_all(Peer& peer, std::size_t size) {
    std::string received;
    for (int i = 0; i < 10'000 && received.size() < size; ++i) {
      received += peer.receive();
      turns(1);
    }
    return received;
  }

  Loop loop_;
  Poller poller_{loop_, [] {}};
  std::vector<std::byte> buffer_ = std::vector<std::byte>(Transport::min_read_buffer);
  RelayContext context_{
      .poller = poller_, .buffer = buffer_, .endings = DeadlineList(5000), .gone = {}, .now_ms = 1000};
  std::unique_ptr<Peer> client_;
  std::unique_ptr<Peer> worker_;
  std::unique_ptr<RelayedClient> relayed_;
};

TEST_F(RelayedClientTest, CarriesBytesBothWays) {
  client_->send("question");
  worker_->send("greeting");
  turns();
  EXPECT_EQ(worker_->receive(), "question");
  EXPECT_EQ(client_->receive(), "greeting");
}

TEST_F(RelayedClientTest, HoldsOneReadOfASideThatIsNotReadAndLosesNothing) {
  for (const auto& [from, to] : {std::pair(client_.get(), worker_.get()), std::pair(worker_.get(), client_.get())}) {
    const std::string sent = stuff(*from);
    EXPECT_GT(sent.size(), 0U);
    EXPECT_LT(sent.size(), 3 * Transport::min_read_buffer);
    EXPECT_EQ(receive_all(*to, sent.size()), sent);
  }
  client_->send("still");
  turns();
  EXPECT_EQ(worker_->receive(), "still");
}

TEST_F(RelayedClientTest, PassesOnTheEndOfEitherSideAndTheOtherGoesOn) {
  client_->send("last");
  client_->finish();
  turns();
  EXPECT_EQ(worker_->receive(), "last");
  EXPECT_TRUE(worker_->ended());
  worker_->send("answer");
  turns();
  EXPECT_EQ(client_->receive(), "answer");
  EXPECT_FALSE(client_->ended());
  worker_->finish();
  turns();
  EXPECT_EQ(client_->receive(), "");
  EXPECT_TRUE(client_->ended());
  EXPECT_TRUE(is_gone());
}

TEST_F(RelayedClientTest, AClientThatHangsUpIsGoneAndTheWorkerHearsIt) {
  client_->hang_up();
  turns();
  EXPECT_EQ(worker_->receive(), "");
  EXPECT_TRUE(worker_->ended());
  worker_->hang_up();
  turns();
  EXPECT_TRUE(is_gone());
}

TEST_F(RelayedClientTest, TheLastWordsOfAWorkerThatIsGoneReachAClientThatReadsLate) {
  const std::string sent = stuff(*worker_);
  worker_->hang_up();
  turns();
  ASSERT_FALSE(is_gone());
  EXPECT_EQ(receive_all(*client_, sent.size()), sent);
  turns();
  EXPECT_EQ(client_->receive(), "");
  EXPECT_TRUE(client_->ended());
  EXPECT_TRUE(is_gone());
}

TEST_F(RelayedClientTest, AClientThatDoesNotReadThemIsGivenUpInTime) {
  (void)stuff(*worker_);
  worker_->hang_up();
  turns();
  ASSERT_TRUE(relayed_->armed());
  EXPECT_EQ(relayed_->due_ms(context_.now_ms), 6000U);
  relayed_->handle_deadline();
  turns();
  EXPECT_TRUE(is_gone());
}

TEST_F(RelayedClientTest, WhatAClientSaysToAWorkerThatIsGoneIsDropped) {
  (void)stuff(*client_);
  worker_->send("bye");
  worker_->hang_up();
  turns();
  EXPECT_EQ(client_->receive(), "bye");
  EXPECT_TRUE(client_->ended());
  EXPECT_TRUE(is_gone());
}

}  // namespace
}  // namespace wsd::worker
