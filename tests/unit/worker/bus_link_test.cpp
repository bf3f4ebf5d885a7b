#include "worker/bus_link.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tests/unit/worker/support/sockets.h"
#include "worker/loop.h"
#include "worker/poller.h"

namespace wsd::worker {
namespace {

using protocol::RecordReader;
using protocol::RecordWriter;
using test::bytes_of;
using test::Peer;
using test::text_of;

// Record 7 with field 1: "hello", behind its length.
constexpr std::string_view hello("\x0d\0\0\0\x07\0\x01\0\x05\0\0\0hello", 17);
// Record 8 without a field.
constexpr std::string_view nothing("\x02\0\0\0\x08\0", 6);

class BusLinkTest : public testing::Test {
 protected:
  std::unique_ptr<BusLink> make_link(FileDescriptor socket) {
    return std::make_unique<BusLink>(
        poller_, std::move(socket), buffer_,
        [this](const RecordReader& record) {
          heard_.push_back(std::to_string(record.type()) + std::string(record.find(1).value_or("")));
        },
        [this] { ++ends_; });
  }
  void turn() { loop_.turn(); }
  std::vector<std::string> heard() { return std::exchange(heard_, {}); }
  static void say(BusLink& link, std::uint16_t type, std::string_view text) {
    link.send(RecordWriter(type).add(1, text).bytes());
  }

  using Texts = std::vector<std::string>;
  Loop loop_;
  Poller poller_{loop_, [] {}};
  std::array<std::byte, 4096> buffer_{};
  std::vector<std::string> heard_;
  int ends_ = 0;
  std::pair<FileDescriptor, FileDescriptor> sockets_ = test::socket_pair();
  std::unique_ptr<BusLink> link_ = make_link(std::move(sockets_.first));
  Peer peer_{std::move(sockets_.second)};
};

TEST_F(BusLinkTest, ARecordLeavesBehindItsLengthWhenTheTurnEnds) {
  say(*link_, 7, "hello");
  link_->send(RecordWriter(8).bytes());
  EXPECT_EQ(peer_.receive(), "");
  EXPECT_EQ(link_->waiting(), hello.size() + nothing.size());
  link_->flush();
  EXPECT_EQ(link_->waiting(), 0U);
  EXPECT_EQ(peer_.receive(), std::string(hello) + std::string(nothing));
}

TEST_F(BusLinkTest, RecordsCutAnywhereAreHeardWholeAndInOrder) {
  const std::string stream = std::string(hello) + std::string(nothing) + std::string(hello);
  for (std::size_t cut = 0; cut <= stream.size(); ++cut) {
    if (cut > 0) peer_.send(stream.substr(0, cut));
    turn();
    Texts all = heard();
    EXPECT_EQ(all.size(), (cut >= 17 ? 1U : 0U) + (cut >= 23 ? 1U : 0U) + (cut >= 40 ? 1U : 0U)) << cut;
    if (cut < stream.size()) peer_.send(stream.substr(cut));
    turn();
    for (const std::string& one : heard()) all.push_back(one);
    ASSERT_EQ(all, (Texts{"7hello", "8", "7hello"})) << cut;
  }
}

TEST_F(BusLinkTest, RecordsThatComeByteByByteAreHeard) {
  for (const char byte : std::string(hello) + std::string(nothing)) {
    peer_.send(std::string_view(&byte, 1));
    turn();
  }
  EXPECT_EQ(heard(), (Texts{"7hello", "8"}));
}

TEST_F(BusLinkTest, ARecordLargerThanTheBufferIsHeardWhole) {
  const std::string large(100'000, 'x');
  auto other = test::socket_pair();
  const auto sender = make_link(std::move(other.first));
  const auto receiver = make_link(std::move(other.second));
  say(*sender, 7, large);
  say(*sender, 8, "behind");
  sender->flush();
  for (int i = 0; i < 100; ++i) turn();
  EXPECT_EQ(heard(), (Texts{"7" + large, "8behind"}));
}

TEST_F(BusLinkTest, WhatTheKernelDoesNotTakeLeavesWhenThereIsRoom) {
  test::shrink_send_buffer(link_->descriptor());
  std::string expected;
  for (int i = 0; i < 200; ++i) {
    const RecordWriter record = RecordWriter(7).add(1, std::string(static_cast<std::size_t>(i * 7), 'x'));
    const auto length = static_cast<std::uint32_t>(record.bytes().size());
    expected += std::string(reinterpret_cast<const char*>(&length), 4) + text_of(record.bytes());
    link_->send(record.bytes());
    if (i % 3 == 0) link_->flush();
  }
  EXPECT_GT(link_->waiting(), 0U);
  std::string stream;
  for (int i = 0; i < 1000 && stream.size() < expected.size(); ++i) {
    stream += peer_.receive();
    turn();
  }
  EXPECT_EQ(stream, expected);
  EXPECT_EQ(link_->waiting(), 0U);
}

TEST_F(BusLinkTest, TheEndIsToldOnceBehindEverythingThatWasSaid) {
  peer_.send(hello);
  peer_.send(hello.substr(0, 9));
  peer_.hang_up();
  turn();
  turn();
  EXPECT_EQ(heard(), Texts{"7hello"}) << "half a record is none";
  EXPECT_EQ(ends_, 1);
  EXPECT_FALSE(link_->is_open());
  say(*link_, 7, "hello");
  link_->flush();
  EXPECT_EQ(link_->waiting(), 0U);
  turn();
  EXPECT_EQ(ends_, 1);
}

TEST_F(BusLinkTest, TheLastWordsOfTheDeadAreHeardEvenIfTheyAreSpokenToFirst) {
  peer_.send(hello);
  say(*link_, 8, "unread: its end resets the stream");
  link_->flush();
  peer_.hang_up();
  say(*link_, 8, "fails");
  link_->flush();
  EXPECT_EQ(link_->waiting(), 0U);
  EXPECT_EQ(ends_, 0);
  say(*link_, 8, "is not even tried");
  EXPECT_EQ(link_->waiting(), 0U);
  for (int i = 0; i < 3; ++i) turn();
  EXPECT_EQ(heard(), Texts{"7hello"});
  EXPECT_EQ(ends_, 1);
}

TEST_F(BusLinkTest, OneThatIsReplacedIsReadToItsEnd) {
  std::string stream;
  for (int i = 0; i < 1000; ++i) stream += hello;
  peer_.send(stream);
  link_->drain();
  EXPECT_EQ(heard().size(), 1000U);
  EXPECT_TRUE(link_->is_open());
  peer_.send(hello);
  peer_.hang_up();
  link_->drain();
  EXPECT_EQ(heard().size(), 1U);
  EXPECT_EQ(ends_, 1);
}

TEST_F(BusLinkTest, AnotherProcessGoesOnInTheMiddleOfARecordInBothDirections) {
  const std::string stream = std::string(hello) + std::string(nothing) + std::string(hello);
  for (std::size_t cut = 0; cut <= stream.size(); ++cut) {
    auto pair = test::socket_pair();
    auto old = make_link(std::move(pair.first));
    Peer peer(std::move(pair.second));
    if (cut > 0) peer.send(stream.substr(0, cut));
    turn();
    say(*old, 7, "hello");  // waits
    FileDescriptor copy(::dup(old->descriptor()));
    const std::vector<std::byte> unread(old->unread().begin(), old->unread().end());
    const std::vector<std::byte> unsent(old->unsent().begin(), old->unsent().end());
    old.reset();
    const auto heir = make_link(std::move(copy));
    heir->restore(unread, unsent);
    if (cut < stream.size()) peer.send(stream.substr(cut));
    say(*heir, 8, "");
    heir->flush();
    turn();
    ASSERT_EQ(heard(), (Texts{"7hello", "8", "7hello"})) << cut;
    ASSERT_EQ(peer.receive().substr(0, hello.size()), hello);
  }
  EXPECT_EQ(ends_, 0);
}

TEST_F(BusLinkTest, WhatHadLeftInPartGoesOnWhereItStopped) {
  test::shrink_send_buffer(link_->descriptor());
  const std::string large(300'000, 'x');
  say(*link_, 7, large);
  say(*link_, 8, "behind");
  link_->flush();
  const std::size_t waiting = link_->waiting();
  ASSERT_GT(waiting, 0U);
  FileDescriptor copy(::dup(link_->descriptor()));
  const std::vector<std::byte> unsent(link_->unsent().begin(), link_->unsent().end());
  EXPECT_EQ(unsent.size(), waiting);
  link_.reset();
  const auto heir = make_link(std::move(copy));
  heir->restore({}, unsent);
  heir->flush();
  std::string stream;
  for (int i = 0; i < 1000 && heir->waiting() > 0; ++i) {
    stream += peer_.receive();
    turn();
  }
  stream += peer_.receive();
  ASSERT_EQ(stream.size(), 4 + 2 + 6 + large.size() + 4 + 2 + 6 + 6);
  EXPECT_EQ(stream.substr(stream.size() - 6), "behind");
}

}  // namespace
}  // namespace wsd::worker
