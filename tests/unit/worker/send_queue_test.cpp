#include "worker/send_queue.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <functional>
#include <random>
#include <string>
#include <string_view>

#include "tests/unit/worker/support/frames.h"
#include "tests/unit/worker/support/sockets.h"

namespace wsd::worker {
namespace {

using protocol::Opcode;
using test::bytes_of;
using test::Frame;
using test::parse_frames;
using test::server_frame;

iovec piece(std::string_view text) {
  return {.iov_base = const_cast<char*>(text.data()), .iov_len = text.size()};
}

void append_frame(SendQueue& queue, std::string_view frame) {
  const iovec whole = piece(frame);
  queue.append_frame({&whole, 1});
}
void append_rest(SendQueue& queue, std::string_view bytes) {
  const iovec rest = piece(bytes);
  queue.append_rest({&rest, 1});
}

// A kernel that takes up to `size` bytes, offered `pieces_at_once`.
std::string write(SendQueue& queue, std::size_t size, std::size_t pieces_at_once = 64) {
  std::vector<iovec> pieces(pieces_at_once);
  std::string taken;
  for (const iovec& offered : std::span(pieces).first(queue.gather(pieces))) {
    const std::size_t part = std::min(offered.iov_len, size - taken.size());
    taken.append(static_cast<const char*>(offered.iov_base), part);
  }
  queue.consume(taken.size());
  return taken;
}

std::string write_all(SendQueue& queue, std::size_t step = std::string::npos, std::size_t pieces_at_once = 64) {
  std::string all;
  while (!queue.empty()) {
    const std::string taken = write(queue, step, pieces_at_once);
    EXPECT_FALSE(taken.empty()) << "the queue offers nothing and is not empty";
    if (taken.empty()) break;
    all += taken;
  }
  EXPECT_EQ(queue.size(), 0U);
  return all;
}

TEST(SendQueue, CountsTheMemoryThatItHolds) {
  QueueMemory memory;
  const std::string frame = server_frame(Opcode::text, std::string(5000, 'x'));
  const SharedFrame shared(MessageType::text, std::string(7000, 'y'));
  {
    SendQueue one(memory);
    SendQueue other(memory);
    EXPECT_EQ(memory.size(), 0U);
    append_frame(one, frame);
    EXPECT_GE(memory.size(), frame.size());
    const std::size_t own = memory.size();
    one.append_shared(shared, SendQueue::no_stream);
    other.append_shared(shared, SendQueue::no_stream);
    EXPECT_GE(memory.size(), own + shared.size());
    EXPECT_LT(memory.size(), own + 2 * shared.size()) << "what is shared is there once";
    write_all(one);
    EXPECT_GE(memory.size(), shared.size());
    EXPECT_LT(memory.size(), shared.size() + frame.size()) << "what has left is gone";
    EXPECT_EQ(other.drop_oldest(SendQueue::no_stream, 1), 1U);
    EXPECT_EQ(memory.size(), 0U);
    append_frame(other, frame);
    append_rest(one, frame);
    one.push_control(bytes_of(frame));
  }
  EXPECT_EQ(memory.size(), 0U) << "a queue that is gone holds nothing";
}

TEST(SendQueue, FramesLeaveInTheirOrder) {
  QueueMemory memory;
  SendQueue queue(memory);
  EXPECT_TRUE(queue.empty());
  append_frame(queue, "first,");
  const std::array<iovec, 3> pieces{piece("se"), piece(""), piece("cond,")};
  queue.append_frame(pieces);
  append_frame(queue, std::string(40'000, 'x'));
  append_frame(queue, ",last");
  EXPECT_EQ(queue.size(), 6U + 7U + 40'000U + 5U);
  EXPECT_EQ(write_all(queue), "first,second," + std::string(40'000, 'x') + ",last");
}

TEST(SendQueue, KeepsACopyOfWhatItIsGiven) {
  QueueMemory memory;
  SendQueue queue(memory);
  std::string frame = "frame";
  append_frame(queue, frame);
  frame = "other";
  EXPECT_EQ(write_all(queue), "frame");
}

TEST(SendQueue, TheStreamIsTheSameWhateverTheKernelTakesAtATime) {
  const std::string text = server_frame(Opcode::text, "hello");
  const std::string large = server_frame(Opcode::binary, std::string(20'000, 'x'));
  for (std::size_t step : {1U, 2U, 3U, 5U, 7U, 100U, 19'999U, 20'004U, 20'005U, 20'011U, 60'000U}) {
    for (const std::size_t pieces_at_once : {1U, 2U, 64U}) {
      QueueMemory memory;
      SendQueue queue(memory);
      append_rest(queue, "rest");
      append_frame(queue, text);
      append_frame(queue, large);
      append_frame(queue, text);
      ASSERT_EQ(write_all(queue, step, pieces_at_once), "rest" + text + large + text) << step << " " << pieces_at_once;
    }
  }
}

TEST(SendQueue, SizeIsWhatWaits) {
  QueueMemory memory;
  SendQueue queue(memory);
  append_frame(queue, "0123456789");
  queue.push_control(bytes_of("ping"));
  queue.replace_pong(bytes_of("pong"));
  EXPECT_EQ(queue.size(), 18U);
  queue.replace_pong(bytes_of("longer pong"));
  EXPECT_EQ(queue.size(), 25U);
  for (std::size_t left = 25; left > 0; --left) {
    EXPECT_EQ(queue.size(), left);
    EXPECT_FALSE(queue.empty());
    ASSERT_EQ(write(queue, 1).size(), 1U);
  }
  EXPECT_TRUE(queue.empty());
}

TEST(SendQueue, AKernelThatTakesNothingChangesNothing) {
  QueueMemory memory;
  SendQueue queue(memory);
  append_frame(queue, "one");
  EXPECT_EQ(write(queue, 0), "");
  EXPECT_EQ(queue.size(), 3U);
  queue.push_control(bytes_of("ping"));
  EXPECT_EQ(write_all(queue), "pingone") << "nothing of the data has begun to leave";
}

TEST(SendQueue, AControlFramePassesDataThatWaits) {
  QueueMemory memory;
  SendQueue queue(memory);
  append_frame(queue, "data");
  queue.push_control(bytes_of("ping"));
  EXPECT_EQ(write_all(queue), "pingdata");
}

TEST(SendQueue, AControlFramePassesOnlyWholeFramesWhereverTheFirstOneIsCut) {
  const std::string one = server_frame(Opcode::text, "one");
  const std::string other = server_frame(Opcode::text, std::string(20'000, 'x'));
  const std::string ping = server_frame(Opcode::ping, "p");
  for (std::size_t cut = 0; cut <= one.size() + 10; ++cut) {
    QueueMemory memory;
    SendQueue queue(memory);
    append_frame(queue, one);
    append_frame(queue, other);
    std::string stream = write(queue, cut);
    queue.push_control(bytes_of(ping));
    stream += write_all(queue);
    const auto frames = parse_frames(stream);
    ASSERT_EQ(frames.size(), 3U) << cut;
    const auto at = std::ranges::find(frames, Frame{0x89, "p"}) - frames.begin();
    EXPECT_EQ(at, cut == 0 ? 0 : cut <= one.size() ? 1 : 2) << cut;
  }
}

TEST(SendQueue, AControlFrameWaitsBehindARestSinceThatBeginsInsideAFrame) {
  QueueMemory memory;
  SendQueue queue(memory);
  append_rest(queue, "rest,");
  append_frame(queue, "frame,");
  queue.push_control(bytes_of("ping,"));
  EXPECT_EQ(write_all(queue), "rest,ping,frame,");
}

TEST(SendQueue, AFrameThatIsAppendedToOneInProgressDoesNotHoldAControlFrameBack) {
  QueueMemory memory;
  SendQueue queue(memory);
  append_frame(queue, "in progress,");
  EXPECT_EQ(write(queue, 3), "in ");
  append_frame(queue, "next,");
  queue.push_control(bytes_of("ping,"));
  EXPECT_EQ(write_all(queue), "progress,ping,next,");
}

TEST(SendQueue, AtMostOnePongWaitsAndItIsTheLatest) {
  QueueMemory memory;
  SendQueue queue(memory);
  append_frame(queue, "data");
  for (const char* pong : {"pong 1,", "pong 2,", "pong 3,"}) queue.replace_pong(bytes_of(pong));
  EXPECT_EQ(write_all(queue), "pong 3,data");
}

TEST(SendQueue, APongAloneIsSomethingThatWaits) {
  QueueMemory memory;
  SendQueue queue(memory);
  queue.replace_pong(bytes_of("pong"));
  EXPECT_FALSE(queue.empty());
  EXPECT_EQ(write_all(queue), "pong");
}

TEST(SendQueue, APongThatHasBegunToLeaveIsNotReplaced) {
  for (std::size_t cut = 0; cut <= 4; ++cut) {
    QueueMemory memory;
    SendQueue queue(memory);
    append_frame(queue, "data");
    queue.replace_pong(bytes_of("old,"));
    std::string stream = write(queue, cut);
    queue.replace_pong(bytes_of("new,"));
    stream += write_all(queue, 1);
    EXPECT_EQ(stream, "old,new,data") << cut;
  }
}

TEST(SendQueue, PongsOfAPeerThatReadsNothingDoNotAddUp) {
  QueueMemory memory;
  SendQueue queue(memory);
  append_frame(queue, "data");
  for (int i = 0; i < 1000; ++i) {
    queue.replace_pong(bytes_of("pong"));
    EXPECT_EQ(write(queue, 0), "");  // the kernel is asked, and takes nothing
    ASSERT_LE(queue.size(), 12U);
  }
}

TEST(SendQueue, BytesAreWhatWouldLeave) {
  for (std::size_t cut = 0; cut <= 10; ++cut) {
    QueueMemory memory;
    SendQueue queue(memory);
    append_frame(queue, "012345");
    EXPECT_EQ(write(queue, cut).size(), std::min<std::size_t>(cut, 6));
    append_frame(queue, std::string(20'000, 'x'));
    queue.replace_pong(bytes_of("pong"));
    const auto bytes = queue.bytes();
    EXPECT_EQ(bytes.size(), queue.size());
    EXPECT_EQ(test::text_of(bytes), write_all(queue)) << cut;
  }
}

// Data is numbered; whatever happens, it leaves complete and in order, and every frame whole.
TEST(SendQueue, AnyMixtureOfCallsLeavesWholeFramesAndTheDataInOrder) {
  for (unsigned seed = 1; seed <= 300; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    std::minstd_rand random(seed);
    const auto any = [&random](std::size_t limit) { return static_cast<std::size_t>(random()) % limit; };
    QueueMemory memory;
    SendQueue queue(memory);
    std::string stream;
    std::size_t data = 0;
    std::size_t pings = 0;
    for (int step = 0; step < 60; ++step) {
      switch (any(5)) {
        case 0:
        case 1:
          append_frame(queue,
                       server_frame(Opcode::text, std::to_string(data++) + std::string(any(8) == 0 ? 9000 : 1, '.')));
          break;
        case 2:
          queue.push_control(bytes_of(server_frame(Opcode::ping, "ping")));
          ++pings;
          break;
        case 3:
          queue.replace_pong(bytes_of(server_frame(Opcode::pong, "pong")));
          break;
        default:
          stream += write(queue, any(2) == 0 ? any(12) : any(20'000), 1 + any(3));
      }
    }
    stream += write_all(queue);
    std::size_t next_data = 0;
    std::size_t next_ping = 0;
    for (const Frame& frame : parse_frames(stream)) {
      if (frame.first_byte == 0x89) ++next_ping;
      if (frame.first_byte != 0x81) continue;
      ASSERT_EQ(frame.payload.substr(0, frame.payload.find('.')), std::to_string(next_data));
      ++next_data;
    }
    ASSERT_EQ(next_data, data);
    ASSERT_EQ(next_ping, pings);
  }
}

}  // namespace
}  // namespace wsd::worker
