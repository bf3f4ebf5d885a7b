#include "worker/client_output.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "tests/unit/worker/support/fake_worker.h"
#include "tests/unit/worker/support/frames.h"
#include "tests/unit/worker/support/sockets.h"
#include "worker/channels.h"
#include "worker/connection_table.h"
#include "worker/tcp_transport.h"

namespace wsd::worker {
namespace {

using protocol::Opcode;
using test::bytes_of;
using test::Frame;
using test::Peer;
using Flushed = ClientOutput::Flushed;

// A real stream, which also says what it was asked to write and may be made to take less.
class WatchedTransport final : public Transport {
 public:
  explicit WatchedTransport(FileDescriptor socket) : stream_(std::move(socket)) {}

  [[nodiscard]] Transfer read(std::span<std::byte> first, std::span<std::byte> buffer) override {
    return stream_.read(first, buffer);
  }
  [[nodiscard]] Transfer write(std::span<const iovec> pieces) override {
    ++writes;
    offered.assign(pieces.begin(), pieces.end());
    std::size_t room = std::exchange(room_, std::string::npos);
    if (room == 0) return {.status = Transfer::Status::would_block};
    std::vector<iovec> allowed;
    for (iovec piece : pieces) {
      piece.iov_len = std::min(piece.iov_len, room);
      room -= piece.iov_len;
      if (piece.iov_len > 0) allowed.push_back(piece);
    }
    return stream_.write(allowed);
  }
  void shutdown_write() override { stream_.shutdown_write(); }
  void abort() override { stream_.abort(); }
  [[nodiscard]] int descriptor() const override { return stream_.descriptor(); }

  // The next write takes this much, and those after it everything.
  void take_only(std::size_t room) { room_ = room; }

  int writes = 0;
  std::vector<iovec> offered;  // by the last write

 private:
  TcpTransport stream_;
  std::size_t room_ = std::string::npos;
};

class ClientOutputTest : public testing::Test {
 protected:
  [[nodiscard]] bool send(std::string_view payload) {
    return output_.send(way(), Opcode::text, {payload}, payload.size());
  }
  [[nodiscard]] bool control(Opcode opcode, std::string_view payload) {
    return output_.send_control(way(), opcode, bytes_of(payload));
  }
  [[nodiscard]] ClientOutput::Way way() { return {context_, client_transport_, traffic_}; }

  // Until everything has left, while the peer reads along.
  std::string flush_all() {
    std::string stream = peer_.receive();
    for (int i = 0; output_.size() > 0 && i < 100'000; ++i) {
      EXPECT_NE(output_.flush(way()), Flushed::dead);
      stream += peer_.receive();
      context_.arena.reset();
    }
    EXPECT_EQ(output_.size(), 0U);
    return stream + peer_.receive();
  }

  Loop loop_;
  test::FakeWorker worker_;
  test::FakeAppHost host_{App{}};
  Limits limits_;
  ScoreboardRow counters_;
  Poller poller_{loop_, [] {}};
  ConnectionTable connections_;
  Channels channels_{loop_, host_, connections_};
  ConnectionContext context_{loop_, worker_, host_, poller_, channels_, counters_, limits_};
  std::pair<FileDescriptor, FileDescriptor> sockets_ = test::socket_pair();
  std::unique_ptr<WatchedTransport> made_ = std::make_unique<WatchedTransport>(std::move(sockets_.first));
  WatchedTransport& transport_ = *made_;
  ClientTransport client_transport_{std::move(made_)};
  Peer peer_{std::move(sockets_.second)};
  Traffic traffic_;
  ClientOutput output_;
};

TEST_F(ClientOutputTest, SmallFramesOfATurnLeaveInOneWrite) {
  ASSERT_TRUE(send("one"));
  ASSERT_TRUE(output_.send(way(), Opcode::binary, {"t", "", "wo"}, 3));
  ASSERT_TRUE(control(Opcode::ping, "p"));
  ASSERT_TRUE(output_.send(way(), bytes_of(test::server_frame(Opcode::close, ""))));
  EXPECT_EQ(transport_.writes, 0);
  EXPECT_EQ(output_.size(), 5U + 5U + 3U + 2U);
  EXPECT_EQ(output_.queued(), 0U);
  EXPECT_EQ(output_.flush(way()), Flushed::all);
  EXPECT_EQ(transport_.writes, 1);
  EXPECT_EQ(transport_.offered.size(), 1U);
  EXPECT_EQ(test::parse_frames(peer_.receive()),
            (std::vector<Frame>{{0x81, "one"}, {0x82, "two"}, {0x89, "p"}, {0x88, ""}}));
  EXPECT_EQ(counters_.bytes_out.get(), 15U);
}

TEST_F(ClientOutputTest, AFlushWithNothingToSendWritesNothing) {
  EXPECT_EQ(output_.flush(way()), Flushed::all);
  EXPECT_EQ(transport_.writes, 0);
}

TEST_F(ClientOutputTest, ALargeFrameLeavesAtOnceUncopiedBehindWhatCameBefore) {
  ASSERT_TRUE(send("small"));
  const std::string large(60'000, 'x');
  const std::string_view head = std::string_view(large).substr(0, 10);
  const std::string_view tail = std::string_view(large).substr(10);
  ASSERT_TRUE(output_.send(way(), Opcode::binary, {head, tail}, large.size()));
  ASSERT_EQ(transport_.offered.size(), 3U);
  EXPECT_EQ(transport_.offered[0].iov_len, 4U);
  EXPECT_EQ(transport_.offered[1].iov_base, head.data());
  EXPECT_EQ(transport_.offered[2].iov_base, tail.data());
  EXPECT_EQ(transport_.writes, 2);
  EXPECT_EQ(output_.size(), 0U);
  EXPECT_EQ(test::parse_frames(peer_.receive()), (std::vector<Frame>{{0x81, "small"}, {0x82, large}}));
}

TEST_F(ClientOutputTest, WhatLiesInTheInputThatIsReadLeavesUncopiedWithTheTurn) {
  const auto input = context_.read_buffer();
  std::ranges::fill(input.first(40'000), std::byte{'i'});
  const std::string_view in_input(reinterpret_cast<const char*>(input.data()), 40'000);
  const std::string_view first = in_input.substr(0, 20'000);
  const std::string_view second = in_input.substr(20'000, 5000);
  context_.reading = {.output = &output_, .more = false};
  ASSERT_TRUE(send("small"));
  ASSERT_TRUE(output_.send(way(), Opcode::binary, {"prefix ", first}, 7 + first.size()));
  ASSERT_TRUE(send(second));
  ASSERT_TRUE(send("behind"));
  EXPECT_TRUE(context_.reading.lent);
  EXPECT_EQ(transport_.writes, 0);
  ASSERT_TRUE(output_.send_now(way()));
  EXPECT_EQ(transport_.writes, 1);
  ASSERT_EQ(transport_.offered.size(), 5U);
  EXPECT_EQ(transport_.offered[1].iov_base, first.data());
  EXPECT_EQ(transport_.offered[3].iov_base, second.data());
  EXPECT_EQ(
      test::parse_frames(flush_all()),
      (std::vector<Frame>{
          {0x81, "small"}, {0x82, "prefix " + std::string(first)}, {0x81, std::string(second)}, {0x81, "behind"}}));
}

TEST_F(ClientOutputTest, InputIsNotLentToAnotherThanTheOneThatIsRead) {
  const auto input = context_.read_buffer();
  std::ranges::fill(input.first(20'000), std::byte{'i'});
  const std::string_view in_input(reinterpret_cast<const char*>(input.data()), 5000);
  ClientOutput other;
  context_.reading = {.output = &other, .more = false};
  ASSERT_TRUE(send(in_input));
  EXPECT_FALSE(context_.reading.lent);
  std::ranges::fill(input.first(20'000), std::byte{'o'});
  EXPECT_EQ(test::parse_frames(flush_all()), (std::vector<Frame>{{0x81, std::string(5000, 'i')}}));
}

TEST_F(ClientOutputTest, AShortWriteAnywhereOfWhatWasLentKeepsTheStream) {
  const auto input = context_.read_buffer();
  const std::string_view in_input(reinterpret_cast<const char*>(input.data()), 20'000);
  for (std::size_t cut = 0; cut <= 20'017; cut += cut < 30 || cut > 19'990 ? 1 : 997) {
    std::ranges::fill(input.first(20'000), std::byte{'i'});
    context_.reading = {.output = &output_, .more = false};
    ASSERT_TRUE(send("one"));
    ASSERT_TRUE(output_.send(way(), Opcode::text, {in_input, in_input.substr(0, 0)}, in_input.size()));
    ASSERT_TRUE(send(in_input));
    ASSERT_TRUE(send("three"));
    transport_.take_only(cut);
    ASSERT_TRUE(output_.send_now(way()));
    context_.reading = {};
    std::ranges::fill(input.first(20'000), std::byte{'o'});  // the next read
    ASSERT_EQ(test::parse_frames(flush_all()),
              (std::vector<Frame>{
                  {0x81, "one"}, {0x81, std::string(20'000, 'i')}, {0x81, std::string(20'000, 'i')}, {0x81, "three"}}))
        << cut;
    context_.arena.reset();
  }
}

TEST_F(ClientOutputTest, EveryPayloadSizeArrivesWhole) {
  std::vector<Frame> expected;
  std::string stream;
  for (const std::size_t size : {0U, 1U, 125U, 126U, 16'383U, 16'384U, 65'535U, 65'536U}) {
    expected.push_back({0x81, std::string(size, 'x')});
    ASSERT_TRUE(send(expected.back().payload));
    stream += flush_all();
  }
  EXPECT_EQ(test::parse_frames(stream), expected);
}

TEST_F(ClientOutputTest, AnOutputOfManyFramesLeavesEarly) {
  const std::string payload(10'000, 'x');
  for (int i = 0; i < 26; ++i) ASSERT_TRUE(send(payload));
  EXPECT_EQ(transport_.writes, 0);
  ASSERT_TRUE(send(payload));
  EXPECT_EQ(transport_.writes, 1);
  EXPECT_EQ(test::parse_frames(flush_all()).size(), 27U);
}

TEST_F(ClientOutputTest, WhatAnswersTheLargeMessagesOfOneReadLeavesByOneWrite) {
  const auto input = context_.read_buffer();
  std::ranges::fill(input, std::byte{'i'});
  const std::string_view message(reinterpret_cast<const char*>(input.data()), 64 * 1024);
  context_.reading = {.output = &output_, .more = true};
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(send(message));
  EXPECT_EQ(transport_.writes, 0);
  ASSERT_TRUE(output_.send_now(way()));
  EXPECT_EQ(transport_.writes, 1);
}

TEST_F(ClientOutputTest, ATurnInManyPiecesKeepsItsOrder) {
  // Another connection sends in between, so each frame is a piece of its own: more than one write can gather.
  OutputArena::Chain other;
  std::vector<Frame> expected;
  for (int i = 0; i < 200; ++i) {
    expected.push_back({0x81, std::to_string(i)});
    ASSERT_TRUE(send(expected.back().payload));
    ASSERT_NE(context_.arena.extend(other, 1), nullptr);
  }
  EXPECT_EQ(output_.flush(way()), Flushed::all);
  EXPECT_EQ(transport_.writes, 4);
  EXPECT_EQ(test::parse_frames(peer_.receive()), expected);
}

TEST_F(ClientOutputTest, AShortWriteAnywhereInATurnKeepsTheStream) {
  const std::string large(20'000, 'l');
  const std::vector<Frame> expected{{0x81, "one"}, {0x81, "two"}, {0x81, large}, {0x81, "three"}};
  OutputArena::Chain other;
  for (std::size_t cut = 0; cut <= 12; ++cut) {
    ASSERT_TRUE(send("one"));
    ASSERT_NE(context_.arena.extend(other, 1), nullptr);
    ASSERT_TRUE(send("two"));
    transport_.take_only(cut);
    ASSERT_TRUE(send(large));
    ASSERT_TRUE(send("three"));
    EXPECT_EQ(output_.queued() > 0, cut < 10);
    ASSERT_EQ(test::parse_frames(flush_all()), expected) << cut;
    other = {};
    context_.arena.reset();
  }
}

TEST_F(ClientOutputTest, AShortWriteAnywhereInALargeFrameKeepsTheStream) {
  const std::string payload(20'000, 'l');
  const std::string_view view = payload;
  for (std::size_t cut = 0; cut <= payload.size() + 4; cut += cut < 20 || cut > 19'990 ? 1 : 997) {
    transport_.take_only(cut);
    ASSERT_TRUE(
        output_.send(way(), Opcode::binary, {view.substr(0, 7), view.substr(7, 3), view.substr(10)}, payload.size()));
    EXPECT_EQ(output_.queued(), payload.size() + 4 - cut);
    ASSERT_TRUE(send("behind"));
    ASSERT_TRUE(output_.send(way(), bytes_of(test::server_frame(Opcode::close, ""))));
    ASSERT_EQ(test::parse_frames(flush_all()), (std::vector<Frame>{{0x82, payload}, {0x81, "behind"}, {0x88, ""}}))
        << cut;
    context_.arena.reset();
  }
}

TEST_F(ClientOutputTest, WhenTheQueueIsShortWrittenAnywhereTheStreamIsKept) {
  for (std::size_t cut = 0; cut <= 30; ++cut) {
    transport_.take_only(0);
    ASSERT_TRUE(send(std::string(20'000, 'x')));
    for (const char* text : {"one", "two", "three"}) ASSERT_TRUE(send(text));
    transport_.take_only(20'000 - 10 + cut);
    EXPECT_EQ(output_.flush(way()), cut < 31 ? Flushed::some : Flushed::all);
    ASSERT_TRUE(control(Opcode::ping, "p"));
    auto frames = test::parse_frames(flush_all());
    ASSERT_EQ(std::erase(frames, Frame{0x89, "p"}), 1) << cut;
    ASSERT_EQ(frames,
              (std::vector<Frame>{{0x81, std::string(20'000, 'x')}, {0x81, "one"}, {0x81, "two"}, {0x81, "three"}}));
    context_.arena.reset();
  }
}

TEST_F(ClientOutputTest, AKernelWithLittleRoomGetsEverythingInTheEnd) {
  test::shrink_send_buffer(transport_.descriptor());
  std::vector<Frame> expected;
  for (int i = 0; i < 300; ++i) {
    expected.push_back({0x81, std::string(static_cast<std::size_t>(i * 37 % 30'000), static_cast<char>('a' + i % 26))});
    ASSERT_TRUE(send(expected.back().payload));
    if (i % 7 == 0) {
      ASSERT_NE(output_.flush(way()), Flushed::dead);
      context_.arena.reset();
    }
  }
  EXPECT_GT(output_.queued(), 0U);
  EXPECT_EQ(test::parse_frames(flush_all()), expected);
}

TEST_F(ClientOutputTest, AFlushIsOneWriteForTheQueue) {
  transport_.take_only(0);
  ASSERT_TRUE(send(std::string(20'000, 'x')));
  ASSERT_TRUE(send("next"));
  const int before = transport_.writes;
  transport_.take_only(100);
  EXPECT_EQ(output_.flush(way()), Flushed::some);
  EXPECT_EQ(transport_.writes, before + 1);
  EXPECT_EQ(output_.queued(), 20'004U + 6U - 100U);
  EXPECT_EQ(output_.flush(way()), Flushed::all);
  EXPECT_EQ(counters_.bytes_out.get(), 20'010U);
}

TEST_F(ClientOutputTest, APingPassesDataThatWaitsAndACloseDoesNot) {
  transport_.take_only(1);
  ASSERT_TRUE(send(std::string(20'000, '1')));
  ASSERT_TRUE(send(std::string(20'000, '2')));
  ASSERT_TRUE(control(Opcode::ping, "p"));
  ASSERT_TRUE(output_.send(way(), bytes_of(test::server_frame(Opcode::close, ""))));
  EXPECT_EQ(test::parse_frames(flush_all()),
            (std::vector<Frame>{
                {0x81, std::string(20'000, '1')}, {0x89, "p"}, {0x81, std::string(20'000, '2')}, {0x88, ""}}));
}

TEST_F(ClientOutputTest, PongsToAPeerThatDoesNotReadAreOneTheLatest) {
  transport_.take_only(1);
  ASSERT_TRUE(send(std::string(20'000, '1')));
  const std::size_t waiting = output_.size();
  for (int i = 0; i < 10'000; ++i) ASSERT_TRUE(control(Opcode::pong, std::to_string(i)));
  EXPECT_LE(output_.size(), waiting + 2 * 127);
  EXPECT_EQ(test::parse_frames(flush_all()), (std::vector<Frame>{{0x81, std::string(20'000, '1')}, {0x8A, "9999"}}));
}

TEST_F(ClientOutputTest, PongsOfOneTurnAreBounded) {
  for (int i = 0; i < 100'000; ++i) {
    ASSERT_TRUE(control(Opcode::pong, std::string(125, 'p')));
    ASSERT_LE(output_.size(), 20'000U);
  }
  const auto frames = test::parse_frames(flush_all());
  EXPECT_FALSE(frames.empty());
  for (const Frame& frame : frames) ASSERT_EQ(frame, (Frame{0x8A, std::string(125, 'p')}));
}

// ---- shared frames

// Small ones are copied into the turn's output, larger ones stand in it; own messages and a ping lie between.
TEST_F(ClientOutputTest, AShortWriteAnywhereAmongSharedFramesKeepsTheStream) {
  const SharedFrame small(MessageType::text, std::string(1000, 's'));
  const SharedFrame large(MessageType::binary, std::string(1300, 'l'));
  const std::vector<Frame> expected{{0x81, "one"},  {0x82, std::string(1300, 'l')}, {0x81, std::string(1000, 's')},
                                    {0x81, "two"},  {0x82, std::string(1300, 'l')}, {0x82, std::string(1300, 'l')},
                                    {0x81, "three"}};
  std::size_t total = 0;
  for (const Frame& frame : expected) total += test::server_frame(Opcode::text, frame.payload).size();
  for (const ClientOutput::Stream stream : {SendQueue::no_stream, ClientOutput::Stream{7}}) {
    for (std::size_t cut = 0; cut <= total; ++cut) {
      ASSERT_TRUE(send("one"));
      ASSERT_TRUE(output_.send(way(), large, stream));
      ASSERT_TRUE(output_.send(way(), small, stream));
      ASSERT_TRUE(send("two"));
      ASSERT_TRUE(output_.send(way(), large, stream));
      ASSERT_TRUE(output_.send(way(), large, stream));
      ASSERT_TRUE(send("three"));
      ASSERT_EQ(output_.size(), total);
      transport_.take_only(cut);
      ASSERT_EQ(output_.flush(way()), cut < total ? Flushed::some : Flushed::all);
      ASSERT_EQ(output_.queued(), total - cut);
      ASSERT_TRUE(control(Opcode::ping, "p"));
      auto frames = test::parse_frames(flush_all());
      ASSERT_EQ(std::erase(frames, Frame{0x89, "p"}), 1) << cut;
      ASSERT_EQ(frames, expected) << cut;
      context_.arena.reset();
    }
  }
}

TEST_F(ClientOutputTest, AQueueOfSharedFramesShortWrittenAnywhereKeepsTheStream) {
  const SharedFrame small(MessageType::text, "small");
  const SharedFrame large(MessageType::binary, std::string(1300, 'l'));
  const std::string first(20'000, 'x');
  const std::size_t behind = small.size() + large.size() + small.size();
  for (const ClientOutput::Stream stream : {SendQueue::no_stream, ClientOutput::Stream{7}}) {
    for (std::size_t cut = 0; cut <= behind; ++cut) {
      transport_.take_only(0);
      ASSERT_TRUE(send(first));
      ASSERT_TRUE(output_.send(way(), small, stream));
      ASSERT_TRUE(output_.send(way(), large, stream));
      ASSERT_TRUE(output_.send(way(), small, stream));
      transport_.take_only(first.size() + 4 + cut);
      ASSERT_EQ(output_.flush(way()), cut < behind ? Flushed::some : Flushed::all);
      ASSERT_EQ(output_.queued(), behind - cut);
      ASSERT_TRUE(control(Opcode::ping, "p"));
      ASSERT_TRUE(send("own"));
      auto frames = test::parse_frames(flush_all());
      ASSERT_EQ(std::erase(frames, Frame{0x89, "p"}), 1) << cut;
      ASSERT_EQ(frames,
                (std::vector<Frame>{
                    {0x81, first}, {0x81, "small"}, {0x82, std::string(1300, 'l')}, {0x81, "small"}, {0x81, "own"}}))
          << cut;
      context_.arena.reset();
    }
  }
}

TEST_F(ClientOutputTest, ASharedFrameIsNotCopiedOnItsWayNorWhileItWaits) {
  const SharedFrame frame(MessageType::text, std::string(2000, 'x'));
  ASSERT_TRUE(output_.send(way(), frame, SendQueue::no_stream));
  transport_.take_only(10);
  EXPECT_EQ(output_.flush(way()), Flushed::some);
  ASSERT_EQ(transport_.offered.size(), 1U);
  EXPECT_EQ(transport_.offered[0].iov_base, frame.bytes().data());
  ASSERT_TRUE(output_.send(way(), frame, SendQueue::no_stream));
  EXPECT_EQ(output_.flush(way()), Flushed::all);
  ASSERT_EQ(transport_.offered.size(), 2U);
  EXPECT_EQ(transport_.offered[0].iov_base, frame.bytes().data() + 10);
  EXPECT_EQ(transport_.offered[1].iov_base, frame.bytes().data());
}

TEST_F(ClientOutputTest, AFrameSentAloneIsOneWriteAndWaitsUncopied) {
  const SharedFrame frame(MessageType::text, "hello");
  for (std::size_t cut = 0; cut <= frame.size(); ++cut) {
    const int before = transport_.writes;
    transport_.take_only(cut);
    ASSERT_TRUE(output_.send_alone(way(), frame));
    ASSERT_EQ(transport_.writes, before + 1);
    ASSERT_EQ(output_.queued(), frame.size() - cut);
    ASSERT_EQ(output_.empty(), cut == frame.size());
    ASSERT_TRUE(control(Opcode::ping, "p"));
    ASSERT_TRUE(send("next"));
    ASSERT_FALSE(output_.empty());
    auto frames = test::parse_frames(flush_all());
    ASSERT_EQ(std::erase(frames, Frame{0x89, "p"}), 1) << cut;
    ASSERT_EQ(frames, (std::vector<Frame>{{0x81, "hello"}, {0x81, "next"}})) << cut;
    if (cut == frame.size()) continue;
    ASSERT_EQ(transport_.offered.at(cut == 0 ? 1 : 0).iov_base, frame.bytes().data() + cut) << "behind a ping";
  }
  EXPECT_EQ(traffic_.bytes_out, counters_.bytes_out.get());
}

TEST_F(ClientOutputTest, AFrameSentAloneToNobodyIsTheEnd) {
  const SharedFrame frame(MessageType::text, "hello");
  peer_.hang_up();
  EXPECT_FALSE(output_.send_alone(way(), frame));
}

TEST_F(ClientOutputTest, OldFramesGiveWayButNotOneInProgressNorWhatIsNotOfTheirStream) {
  const auto numbered = [](char digit) { return SharedFrame(MessageType::text, std::string(1996, digit)); };
  const ClientOutput::Stream stream = 7;
  const ClientOutput::Stream other = 8;
  const SharedFrame first = numbered('0');
  ASSERT_TRUE(output_.send(way(), first, stream));
  transport_.take_only(10);
  EXPECT_EQ(output_.flush(way()), Flushed::some);
  for (const char digit : {'1', '2', '3'}) ASSERT_TRUE(output_.send(way(), numbered(digit), stream));
  ASSERT_TRUE(output_.send(way(), numbered('a'), other));
  ASSERT_TRUE(send("own"));
  ASSERT_TRUE(output_.send(way(), numbered('4'), stream));
  EXPECT_EQ(output_.drop_oldest(stream, 8001), 0U) << "all of them are not that much";
  EXPECT_EQ(output_.drop_oldest(stream, 1), 1U);
  EXPECT_EQ(output_.drop_oldest(stream, 2001), 2U);
  EXPECT_EQ(output_.drop_oldest(9, 1), 0U);
  EXPECT_EQ(output_.queued(), 1990U + 2000U + 5U + 2000U);
  const auto frames = test::parse_frames(flush_all());
  std::string order;
  for (const Frame& frame : frames) order += frame.payload[0];
  EXPECT_EQ(order, "0ao4");
  EXPECT_EQ(output_.drop_oldest(stream, 1), 0U);
}

// The queues hold references: the memory is that of one frame, however many wait for it.
TEST_F(ClientOutputTest, AFrameThatWaitsInManyQueuesIsOneBuffer) {
  const SharedFrame frame(MessageType::text, std::string(5000, 'x'));
  std::vector<ClientOutput> outputs(50);
  std::vector<WatchedTransport*> watched;
  std::vector<ClientTransport> transports;
  std::vector<Peer> peers;
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    auto pair = test::socket_pair();
    auto transport = std::make_unique<WatchedTransport>(std::move(pair.first));
    watched.push_back(transport.get());
    transports.emplace_back(std::move(transport));
    peers.emplace_back(std::move(pair.second));
  }
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    const ClientOutput::Way its_way{context_, transports[i], traffic_};
    ASSERT_TRUE(outputs[i].send(its_way, frame, SendQueue::no_stream));
    watched[i]->take_only(i * 100);
    EXPECT_EQ(outputs[i].flush(its_way), Flushed::some);
  }
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    EXPECT_EQ(outputs[i].flush({context_, transports[i], traffic_}), Flushed::all);
    EXPECT_EQ(watched[i]->offered.at(0).iov_base, frame.bytes().data() + i * 100);
    EXPECT_EQ(test::parse_frames(peers[i].receive()), (std::vector<Frame>{{0x81, std::string(5000, 'x')}}));
  }
}

TEST_F(ClientOutputTest, SharedFramesFillTheArenaToItsEndAndGoOn) {
  const SharedFrame frame(MessageType::text, std::string(1500, 'x'));
  std::string stream;
  for (int i = 0; i < 3000; ++i) {
    OutputArena::Chain other;
    ASSERT_TRUE(output_.send(way(), frame, SendQueue::no_stream));
    while (i == 10 && context_.arena.extend(other, 100'000) != nullptr) continue;
    stream += peer_.receive();
  }
  EXPECT_EQ(test::parse_frames(stream + flush_all()).size(), 3000U);
}

TEST_F(ClientOutputTest, SaysWhenTheStreamIsDead) {
  ASSERT_TRUE(send("small"));
  peer_.hang_up();
  EXPECT_EQ(output_.flush(way()), Flushed::dead);
  output_.clear();
  EXPECT_EQ(output_.size(), 0U);
  EXPECT_FALSE(send(std::string(20'000, 'x')));
}

TEST_F(ClientOutputTest, SaysWhenTheStreamDiesWithAFullQueue) {
  transport_.take_only(0);
  ASSERT_TRUE(send(std::string(20'000, 'x')));
  peer_.hang_up();
  EXPECT_TRUE(send("queued"));
  EXPECT_EQ(output_.flush(way()), Flushed::dead);
  output_.clear();
  EXPECT_EQ(output_.size(), 0U);
}

TEST_F(ClientOutputTest, WhatWaitsCanBeTakenUpByAnother) {
  for (const std::size_t cut : {1U, 3U, 4U, 5U, 19'000U}) {
    transport_.take_only(cut);
    ASSERT_TRUE(send(std::string(20'000, 'x')));
    ASSERT_TRUE(send("behind"));
    const auto waiting = output_.waiting_bytes();
    EXPECT_EQ(waiting.size(), output_.size());
    output_.clear();
    output_.restore(way().context, waiting);
    ASSERT_TRUE(control(Opcode::ping, "p"));
    ASSERT_TRUE(send("new"));
    EXPECT_EQ(test::parse_frames(flush_all()),
              (std::vector<Frame>{{0x81, std::string(20'000, 'x')}, {0x81, "behind"}, {0x89, "p"}, {0x81, "new"}}));
    context_.arena.reset();
  }
}

}  // namespace
}  // namespace wsd::worker
