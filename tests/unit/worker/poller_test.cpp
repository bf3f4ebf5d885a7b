#include "worker/poller.h"

#include <gtest/gtest.h>
#include <sys/epoll.h>

#include <deque>
#include <functional>
#include <memory>
#include <vector>

#include "tests/unit/worker/support/sockets.h"
#include "worker/uv_handle.h"

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
  void turn() { poller_.wait(0); }

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

class LoopWithAPollerTest : public PollerTest {
 protected:
  UvHandle<uv_timer_t> timer(std::uint64_t after_ms, std::function<void()> callback) {
    auto made = make_uv_handle<uv_timer_t>([this](uv_timer_t* handle) { return uv_timer_init(loop_.get(), handle); });
    made->data = &callbacks_.emplace_back(std::move(callback));
    const auto call = [](uv_timer_t* handle) { (*static_cast<std::function<void()>*>(handle->data))(); };
    uv_timer_start(made.get(), call, after_ms, 0);
    return made;
  }
  UvHandle<uv_poll_t> readable(int descriptor, std::function<void()> callback) {
    auto made =
        make_uv_handle<uv_poll_t>([&](uv_poll_t* handle) { return uv_poll_init(loop_.get(), handle, descriptor); });
    made->data = &callbacks_.emplace_back(std::move(callback));
    const auto call = [](uv_poll_t* handle, int, int) { (*static_cast<std::function<void()>*>(handle->data))(); };
    uv_poll_start(made.get(), UV_READABLE, call);
    return made;
  }

  std::deque<std::function<void()>> callbacks_;  // their addresses hold
};

TEST_F(LoopWithAPollerTest, WakesForATimerAndForASocket) {
  const test::Peer peer(std::move(one_.second));
  Watcher watcher([this](std::uint32_t) { loop_.stop(); });
  ASSERT_TRUE(poller_.add(one_.first.get(), watcher, EPOLLIN));
  const auto sender = timer(5, [&peer] { peer.send("x"); });
  const auto too_late = timer(60'000, [this] { loop_.stop(); });
  loop_.run();
  EXPECT_EQ(watcher.seen, Seen{EPOLLIN});
  poller_.remove(one_.first.get());
}

TEST_F(LoopWithAPollerTest, ATimerIsDueAlthoughASocketIsAlwaysReady) {
  Watcher watcher;
  ASSERT_TRUE(poller_.add(one_.first.get(), watcher, EPOLLOUT));
  const auto end = timer(5, [this] { loop_.stop(); });
  loop_.run();
  EXPECT_GT(watcher.seen.size(), 1U);
  poller_.remove(one_.first.get());
}

TEST_F(LoopWithAPollerTest, WhatLibuvDoesEndsWithABatchToo) {
  const auto end = timer(1, [this] {
    batches_ = 0;
    loop_.stop();
  });
  loop_.run();
  EXPECT_EQ(batches_, 1);
}

TEST_F(LoopWithAPollerTest, WhatACallbackOfLibuvBeginsToWatchIsHeardWithoutWaiting) {
  test::Peer(std::move(one_.second)).send("x");
  test::Peer(std::move(two_.second)).send("x");
  UvHandle<uv_poll_t> first, second;
  first = readable(one_.first.get(), [&] {
    uv_poll_stop(first.get());
    second = readable(two_.first.get(), [this] { loop_.stop(); });
  });
  const auto too_late = timer(60'000, [this] {
    ADD_FAILURE() << "it slept until its timer";
    loop_.stop();
  });
  loop_.run();
  EXPECT_NE(second, nullptr);
}

TEST_F(LoopWithAPollerTest, EndsWhenLibuvWaitsForNothing) {
  loop_.run();
  EXPECT_EQ(batches_, 1);
}

}  // namespace
}  // namespace wsd::worker
