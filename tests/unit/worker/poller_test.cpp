#include "worker/poller.h"

#include <gtest/gtest.h>
#include <sys/epoll.h>

#include <functional>
#include <memory>
#include <vector>

#include "tests/unit/worker/support/sockets.h"

namespace wsd::worker {
namespace {

class Watcher final : public Watched {
 public:
  explicit Watcher(std::function<void(std::uint32_t)> on_ready = {}) : on_ready_(std::move(on_ready)) {}
  void handle_ready(std::uint32_t events) override {
    seen.push_back(events);
    if (on_ready_) on_ready_(events);
  }
  std::vector<std::uint32_t> seen;

 private:
  std::function<void(std::uint32_t)> on_ready_;
};

class PollerTest : public testing::Test {
 protected:
  void turn() { uv_run(loop_.get(), UV_RUN_NOWAIT); }

  Loop loop_;
  int batches_ = 0;
  Poller poller_{loop_, [this] { ++batches_; }};
  std::pair<FileDescriptor, FileDescriptor> one_ = test::socket_pair();
  std::pair<FileDescriptor, FileDescriptor> two_ = test::socket_pair();
};

using Seen = std::vector<std::uint32_t>;

TEST_F(PollerTest, TellsWhoIsReadyAndThenThatTheBatchIsDone) {
  std::vector<int> batches_before;
  Watcher first([&](std::uint32_t) { batches_before.push_back(batches_); });
  Watcher second([&](std::uint32_t) { batches_before.push_back(batches_); });
  ASSERT_TRUE(poller_.add(one_.first.get(), first, EPOLLIN));
  ASSERT_TRUE(poller_.add(two_.first.get(), second, EPOLLIN));
  turn();
  EXPECT_EQ(batches_, 0);
  test::Peer(std::move(one_.second)).send("x");
  test::Peer(std::move(two_.second)).send("x");
  turn();
  EXPECT_EQ(first.seen.size(), 1U);
  EXPECT_EQ(second.seen.size(), 1U);
  EXPECT_EQ(batches_before, (std::vector{0, 0}));
  EXPECT_EQ(batches_, 1);
  poller_.remove(one_.first.get());
  poller_.remove(two_.first.get());
}

TEST_F(PollerTest, WhatWasNotReadIsToldAgain) {
  Watcher watcher;
  ASSERT_TRUE(poller_.add(one_.first.get(), watcher, EPOLLIN));
  test::Peer(std::move(two_.second)).hang_up();
  const test::Peer peer(std::move(one_.second));
  peer.send("x");
  turn();
  turn();
  EXPECT_EQ(watcher.seen, (Seen{EPOLLIN, EPOLLIN}));
  poller_.remove(one_.first.get());
}

TEST_F(PollerTest, WatchesForWhatItWasChangedTo) {
  Watcher watcher;
  ASSERT_TRUE(poller_.add(one_.first.get(), watcher, EPOLLIN));
  const test::Peer peer(std::move(one_.second));
  peer.send("x");
  poller_.change(one_.first.get(), watcher, 0);
  turn();
  EXPECT_EQ(watcher.seen, Seen{});
  poller_.change(one_.first.get(), watcher, EPOLLOUT);
  turn();
  EXPECT_EQ(watcher.seen, Seen{EPOLLOUT});
  poller_.remove(one_.first.get());
}

TEST_F(PollerTest, OneThatWasRemovedHearsNothing) {
  Watcher watcher;
  ASSERT_TRUE(poller_.add(one_.first.get(), watcher, EPOLLIN));
  poller_.remove(one_.first.get());
  const test::Peer peer(std::move(one_.second));
  peer.send("x");
  turn();
  EXPECT_EQ(watcher.seen, Seen{});
}

TEST_F(PollerTest, SaysWhenTheKernelWillNotWatch) {
  Watcher watcher;
  EXPECT_FALSE(poller_.add(-1, watcher, EPOLLIN));
  const FileDescriptor file(::open("/proc/self/exe", O_RDONLY | O_CLOEXEC));
  EXPECT_FALSE(poller_.add(file.get(), watcher, EPOLLIN)) << "regular files are always ready: epoll takes none";
}

TEST_F(PollerTest, MoreThanABatchAreAllToldInTheEnd) {
  constexpr std::size_t count = 700;
  std::vector<std::pair<FileDescriptor, FileDescriptor>> pairs;
  std::vector<std::unique_ptr<Watcher>> watchers;
  for (std::size_t i = 0; i < count; ++i) {
    pairs.push_back(test::socket_pair());
    const int descriptor = pairs.back().first.get();
    watchers.push_back(std::make_unique<Watcher>([this, descriptor](std::uint32_t) { poller_.remove(descriptor); }));
    ASSERT_TRUE(poller_.add(descriptor, *watchers.back(), EPOLLOUT));
  }
  turn();
  turn();
  EXPECT_EQ(batches_, 2);
  for (const auto& watcher : watchers) EXPECT_EQ(watcher->seen.size(), 1U);
}

}  // namespace
}  // namespace wsd::worker
