#include "worker/record_socket.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <string>
#include <vector>

#include "tests/unit/worker/support/sockets.h"

namespace wsd::worker {
namespace {

using test::bytes_of;
using test::text_of;
using Status = RecordSocket::Status;

std::pair<FileDescriptor, FileDescriptor> pipe_ends() {
  std::array<int, 2> ends{-1, -1};
  EXPECT_EQ(::pipe(ends.data()), 0);
  return {FileDescriptor(ends[0]), FileDescriptor(ends[1])};
}

TEST(RecordSocket, RecordsArriveInOrderAndKeepTheirBoundaries) {
  const auto [one, other] = RecordSocket::make_pair();
  ASSERT_EQ(one.send(bytes_of("first")), Status::done);
  ASSERT_EQ(one.send(bytes_of("second record")), Status::done);
  auto received = other.receive();
  EXPECT_EQ(received.status, Status::done);
  EXPECT_EQ(text_of(received.bytes), "first");
  EXPECT_TRUE(received.descriptors.empty());
  received = other.receive();
  EXPECT_EQ(text_of(received.bytes), "second record");
}

TEST(RecordSocket, BothEndsSpeak) {
  const auto [one, other] = RecordSocket::make_pair();
  ASSERT_EQ(one.send(bytes_of("question")), Status::done);
  ASSERT_EQ(other.send(bytes_of("answer")), Status::done);
  EXPECT_EQ(text_of(one.receive().bytes), "answer");
  EXPECT_EQ(text_of(other.receive().bytes), "question");
}

TEST(RecordSocket, TheLargestRecordArrivesWhole) {
  const auto [one, other] = RecordSocket::make_pair();
  const std::string large(RecordSocket::max_record_size, 'x');
  ASSERT_EQ(one.send(bytes_of(large)), Status::done);
  const auto received = other.receive();
  EXPECT_EQ(received.status, Status::done);
  EXPECT_EQ(text_of(received.bytes), large);
}

TEST(RecordSocket, SilenceIsNoEnd) {
  const auto [one, other] = RecordSocket::make_pair();
  const auto received = other.receive();
  EXPECT_EQ(received.status, Status::would_block);
}

TEST(RecordSocket, WhatWasSaidBeforeTheEndIsStillHeard) {
  auto pair = RecordSocket::make_pair();
  ASSERT_EQ(pair.first.send(bytes_of("last words")), Status::done);
  { const RecordSocket closed = std::move(pair.first); }
  EXPECT_EQ(text_of(pair.second.receive().bytes), "last words");
  EXPECT_EQ(pair.second.receive().status, Status::ended);
}

TEST(RecordSocket, TheOtherEndsDeathIsTheEndForBothDirections) {
  auto pair = RecordSocket::make_pair();
  { const RecordSocket closed = std::move(pair.first); }
  EXPECT_EQ(pair.second.receive().status, Status::ended);
  EXPECT_EQ(pair.second.send(bytes_of("hello?")), Status::ended);
}

TEST(RecordSocket, DescriptorsTravelWithTheirRecord) {
  const auto [one, other] = RecordSocket::make_pair();
  const auto [reader, writer] = pipe_ends();
  ASSERT_EQ(one.send(bytes_of("without")), Status::done);
  const std::array<int, 1> sent{writer.get()};
  ASSERT_EQ(one.send(bytes_of("with"), sent), Status::done);

  EXPECT_TRUE(other.receive().descriptors.empty());
  const auto received = other.receive();
  ASSERT_EQ(received.descriptors.size(), 1U);
  EXPECT_EQ(text_of(received.bytes), "with");
  EXPECT_NE(received.descriptors[0].get(), writer.get()) << "a copy, not the number";
  ASSERT_EQ(::write(received.descriptors[0].get(), "x", 1), 1);
  char byte = 0;
  EXPECT_EQ(::read(reader.get(), &byte, 1), 1);
  EXPECT_EQ(byte, 'x');
}

TEST(RecordSocket, ReceivedDescriptorsAreClosedOnExecAndWithTheRecord) {
  const auto [one, other] = RecordSocket::make_pair();
  const auto [reader, writer] = pipe_ends();
  const std::array<int, 1> sent{writer.get()};
  ASSERT_EQ(one.send(bytes_of("with"), sent), Status::done);
  int copy = -1;
  {
    const auto received = other.receive();
    ASSERT_EQ(received.descriptors.size(), 1U);
    copy = received.descriptors[0].get();
    EXPECT_NE(::fcntl(copy, F_GETFD) & FD_CLOEXEC, 0);
  }
  EXPECT_FALSE(test::is_open(copy));
}

TEST(RecordSocket, AsManyDescriptorsAsAllowedArriveInOrder) {
  const auto [one, other] = RecordSocket::make_pair();
  std::vector<FileDescriptor> files;
  std::vector<int> sent;
  for (std::size_t i = 0; i < RecordSocket::max_descriptors; ++i) {
    files.emplace_back(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    sent.push_back(files.back().get());
  }
  const auto [reader, writer] = pipe_ends();
  sent.back() = writer.get();
  ASSERT_EQ(one.send(bytes_of("many"), sent), Status::done);
  const auto received = other.receive();
  EXPECT_EQ(received.status, Status::done);
  ASSERT_EQ(received.descriptors.size(), RecordSocket::max_descriptors);
  struct stat expected {};
  struct stat last {};
  ASSERT_EQ(::fstat(writer.get(), &expected), 0);
  ASSERT_EQ(::fstat(received.descriptors.back().get(), &last), 0);
  EXPECT_EQ(last.st_ino, expected.st_ino);
}

TEST(RecordSocket, ASlowOtherEndIsSaidAndNothingOfTheRecordIsSent) {
  const auto [one, other] = RecordSocket::make_pair();
  const std::string large(RecordSocket::max_record_size, 'x');
  std::size_t sent = 0;
  Status status = Status::done;
  while ((status = one.send(bytes_of(large))) == Status::done) ++sent;
  EXPECT_EQ(status, Status::would_block);
  EXPECT_GT(sent, 0U);
  std::size_t arrived = 0;
  for (auto received = other.receive(); received.status == Status::done; received = other.receive()) {
    EXPECT_EQ(received.bytes.size(), large.size());
    ++arrived;
  }
  EXPECT_EQ(arrived, sent);
}

TEST(RecordSocket, ARecordThatIsLongerThanAllowedDoesNotArriveInPart) {
  const auto [one, other] = RecordSocket::make_pair();
  const std::string too_long(RecordSocket::max_record_size + 1, 'x');
  ASSERT_EQ(::send(one.descriptor(), too_long.data(), too_long.size(), MSG_NOSIGNAL),
            static_cast<ssize_t>(too_long.size()));
  EXPECT_EQ(other.receive().status, Status::failed);
}

TEST(RecordSocketDeathTest, SendingMoreThanAllowedIsABug) {
  const auto [one, other] = RecordSocket::make_pair();
  EXPECT_DEATH((void)one.send({}), "");
  const std::string too_long(RecordSocket::max_record_size + 1, 'x');
  EXPECT_DEATH((void)one.send(bytes_of(too_long)), "max_record_size");
}

}  // namespace
}  // namespace wsd::worker
