#include "tests/wsbench/fanout_board.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

namespace wsd::bench {
namespace {

bool is_awake(const FanoutBoard& board, std::size_t process) {
  pollfd polled{board.waker(process), POLLIN, 0};
  return ::poll(&polled, 1, 0) == 1;
}

TEST(FanoutBoardTest, HasANumberForEveryProcessAndPublisher) {
  const FanoutBoard board(3, 40);
  std::uint64_t next = 1;
  for (std::size_t p = 0; p < 40; ++p) {
    board.published(p).set(next++);
    board.is_gone(p).set(next++);
  }
  for (std::size_t i = 0; i < 3; ++i) {
    board.is_reached(i).set(next++);
    board.has_finished(i).set(next++);
    for (std::size_t p = 0; p < 40; ++p) board.confirmed(i, p).set(next++);
  }
  next = 1;
  for (std::size_t p = 0; p < 40; ++p) {
    EXPECT_EQ(board.published(p).value(), next++);
    EXPECT_EQ(board.is_gone(p).value(), next++);
  }
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(board.is_reached(i).value(), next++);
    EXPECT_EQ(board.has_finished(i).value(), next++);
    for (std::size_t p = 0; p < 40; ++p) EXPECT_EQ(board.confirmed(i, p).value(), next++);
  }
}

TEST(FanoutBoardTest, IsSharedWithProcesses) {
  const FanoutBoard board(2, 1);
  const pid_t child = ::fork();
  if (child == 0) {
    board.confirmed(1, 0).set(7);
    board.wake(board.home_of(0));
    ::_exit(0);
  }
  ::waitpid(child, nullptr, 0);
  EXPECT_EQ(board.confirmed(1, 0).value(), 7U);
  EXPECT_TRUE(is_awake(board, 0));
  EXPECT_FALSE(is_awake(board, 1));
}

TEST(FanoutBoardTest, WakesUntilItRests) {
  const FanoutBoard board(3, 5);
  board.wake_others(1);
  board.wake_others(1);
  EXPECT_TRUE(is_awake(board, 0));
  EXPECT_FALSE(is_awake(board, 1));
  EXPECT_TRUE(is_awake(board, 2));
  board.rest(0);
  EXPECT_FALSE(is_awake(board, 0));
  board.rest(0);  // does not wait
}

TEST(FanoutBoardTest, SharesOutThePublishers) {
  const FanoutBoard board(2, 5);
  for (std::size_t p = 0; p < 5; ++p) EXPECT_EQ(board.home_of(p), p % 2);
}

}  // namespace
}  // namespace wsd::bench
