// Both sides of a handoff in one process, where the sender has a thread because it blocks; and the new worker's side
// alone, with the old one's words spoken by hand, as they are on the wire between releases.
#include "worker/handoff.h"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <array>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "tests/unit/worker/support/sockets.h"

namespace wsd::worker {
namespace {

using namespace std::chrono_literals;
using protocol::RecordWriter;
using Outcome = HandoffReceiver::Outcome;
using Result = HandoffReceiver::Result;

constexpr std::uint16_t offer = 210;
constexpr std::uint16_t batch = 211;
constexpr std::uint16_t end = 212;
constexpr std::uint16_t accepted = 213;
constexpr std::uint16_t commit = 214;
constexpr std::uint16_t withdraw = 215;
constexpr std::uint16_t bus = 216;
constexpr std::chrono::seconds patience = 20s;

ino_t inode_of(int descriptor) {
  struct stat status {};
  EXPECT_EQ(::fstat(descriptor, &status), 0);
  return status.st_ino;
}

ConnectionState state_of(ConnectionId id, std::size_t input_size = 0) {
  ConnectionState state;
  state.id = id;
  state.phase = ConnectionState::Phase::open;
  state.remote_address = "192.0.2.7";
  state.input.assign(input_size, static_cast<std::byte>(id));
  return state;
}

class HandoffTest : public testing::Test {
 protected:
  HandoffTest() {
    auto pair = RecordSocket::make_pair();
    old_.emplace(std::move(pair.first));
    receiver_ = std::make_unique<HandoffReceiver>(loop_, std::move(pair.second), [this](Outcome outcome) {
      outcome_.emplace(std::move(outcome));
      receiver_.reset();  // as the server does
    });
  }

  // The receiver's loop, until it is done or, without a handle left, can do no more.
  void run() { loop_.run(); }
  void turn() { loop_.turn(); }

  // ---- the old worker's words
  void say(const RecordWriter& record, std::span<const int> descriptors = {}) {
    EXPECT_EQ(old_->send(record.bytes(), descriptors), RecordSocket::Status::done);
  }
  void say(std::uint16_t word) { say(RecordWriter(word)); }
  void say_offer(std::uint64_t count) { say(RecordWriter(offer).add_number(1, count).add_number(2, 12'345)); }
  void say_connection(ConnectionId id) {
    const auto record = encode(state_of(id));
    const std::array<int, 1> socket{sockets_.first.get()};
    say(RecordWriter(batch).add(3, test::text_of(record.bytes())), socket);
  }
  // Nothing, or the word that came back.
  std::uint16_t heard() {
    const auto received = old_->receive();
    const auto record = protocol::RecordReader::parse(received.bytes);
    return record ? record->type() : std::uint16_t{0};
  }
  void die() { old_.reset(); }

  // A whole handoff of these, by a sender in a thread of its own.
  void hand_over(const std::vector<ConnectionState>& states, const std::vector<int>& sockets) {
    std::thread sender([&] {
      HandoffSender handoff(std::move(*old_), states.size(), patience);
      for (std::size_t i = 0; i < states.size(); ++i) handoff.add(states[i], sockets[i]);
      EXPECT_TRUE(handoff.offer_accepted()) << handoff.failure();
      EXPECT_TRUE(handoff.commit()) << handoff.failure();
    });
    run();
    sender.join();
  }
  void expect_arrived(const std::vector<ConnectionState>& states, const std::vector<int>& sockets,
                      Result result = Result::committed) {
    ASSERT_TRUE(outcome_);
    EXPECT_EQ(outcome_->result, result);
    ASSERT_EQ(outcome_->connections.size(), states.size());
    for (std::size_t i = 0; i < states.size(); ++i) {
      ASSERT_EQ(outcome_->connections[i].state, states[i]) << i;
      ASSERT_EQ(inode_of(outcome_->connections[i].socket.get()), inode_of(sockets[i])) << i;
    }
  }
  void expect_refused(Result result = Result::withdrawn) {
    ASSERT_TRUE(outcome_);
    EXPECT_EQ(outcome_->result, result);
    EXPECT_TRUE(outcome_->connections.empty());
  }

  Loop loop_;
  std::pair<FileDescriptor, FileDescriptor> sockets_ = test::socket_pair();
  std::optional<RecordSocket> old_;
  std::unique_ptr<HandoffReceiver> receiver_;
  std::optional<Outcome> outcome_;
};

TEST_F(HandoffTest, NobodyIsHandedOverToo) {
  hand_over({}, {});
  expect_arrived({}, {});
}

TEST_F(HandoffTest, EveryConnectionArrivesInOrderWithItsSocket) {
  std::vector<ConnectionState> states;
  std::vector<int> sockets;
  for (ConnectionId id = 1; id <= 1000; ++id) {
    states.push_back(state_of(id, id % 50));
    sockets.push_back(id % 2 == 0 ? sockets_.first.get() : sockets_.second.get());
  }
  hand_over(states, sockets);
  expect_arrived(states, sockets);
  EXPECT_NE(outcome_->offered_at_ns, 0U);
  EXPECT_LE(outcome_->offered_at_ns, uv_hrtime());
  EXPECT_TRUE(test::is_open(sockets_.first.get())) << "the sender's own are its own to close";
}

TEST_F(HandoffTest, ConnectionsThatAreNobodysClientYetArriveToo) {
  const std::array<std::byte, 3> begun{std::byte{'P'}, std::byte{'R'}, std::byte{'O'}};
  const ProxyGreetingState greeting{
      .remote_address = "192.0.2.7", .kind = SocketKind::api, .input = {begun.begin(), begun.end()}, .due_ms = 7};
  std::thread sender([&] {
    HandoffSender handoff(std::move(*old_), 2, patience);
    handoff.add(greeting, sockets_.first.get());
    handoff.add(state_of(1), sockets_.second.get());
    EXPECT_TRUE(handoff.offer_accepted()) << handoff.failure();
    EXPECT_TRUE(handoff.commit()) << handoff.failure();
  });
  run();
  sender.join();
  expect_arrived({state_of(1)}, {sockets_.second.get()});
  ASSERT_EQ(outcome_->greetings.size(), 1U);
  EXPECT_EQ(outcome_->greetings[0].state, greeting);
  EXPECT_EQ(inode_of(outcome_->greetings[0].socket.get()), inode_of(sockets_.first.get()));
}

TEST_F(HandoffTest, ThoseWithMuchToCarryArriveWholeAmongTheOthers) {
  std::vector<ConnectionState> states;
  for (const std::size_t size : {0U, 16'000U, 16'300U, 16'384U, 16'400U, 1U, 40'000U, 65'536U, 2U, 5'000'000U, 3U}) {
    states.push_back(state_of(states.size() + 1, size));
  }
  // As many large ones as fill a batch with descriptors, and a run of those that are just not large.
  for (int i = 0; i < 300; ++i) states.push_back(state_of(states.size() + 1, 17'000));
  for (int i = 0; i < 20; ++i) states.push_back(state_of(states.size() + 1, 16'000));
  const std::vector<int> sockets(states.size(), sockets_.first.get());
  hand_over(states, sockets);
  expect_arrived(states, sockets);
}

TEST_F(HandoffTest, TheBusArrivesWithItsLinksInOrder) {
  for (const std::size_t size : {0U, 1U, 3'000'000U}) {
    for (const std::size_t count : {0U, 1U, 255U, 600U}) {
      auto pair = RecordSocket::make_pair();
      outcome_.reset();
      receiver_ = std::make_unique<HandoffReceiver>(loop_, std::move(pair.second), [this](Outcome outcome) {
        outcome_.emplace(std::move(outcome));
        receiver_.reset();
      });
      const std::vector<std::byte> records(size, std::byte{'r'});
      std::vector<int> links;
      for (std::size_t i = 0; i < count; ++i) {
        links.push_back(i % 3 == 0 ? sockets_.first.get() : sockets_.second.get());
      }
      std::thread sender([&] {
        HandoffSender handoff(std::move(pair.first), 1, patience);
        handoff.add(state_of(7), sockets_.first.get());
        handoff.add_bus(records, links);
        EXPECT_TRUE(handoff.offer_accepted()) << handoff.failure();
        EXPECT_TRUE(handoff.commit()) << handoff.failure();
      });
      run();
      sender.join();
      ASSERT_TRUE(outcome_);
      EXPECT_EQ(outcome_->connections.size(), 1U);
      EXPECT_EQ(outcome_->bus.records, records);
      ASSERT_EQ(outcome_->bus.links.size(), count);
      for (std::size_t i = 0; i < count; ++i)
        ASSERT_EQ(inode_of(outcome_->bus.links[i].get()), inode_of(links[i])) << i;
    }
  }
}

TEST_F(HandoffTest, FromAReleaseWithoutABusNoneArrives) {
  hand_over({state_of(7)}, {sockets_.first.get()});
  ASSERT_TRUE(outcome_);
  EXPECT_TRUE(outcome_->bus.records.empty());
  EXPECT_TRUE(outcome_->bus.links.empty());
}

TEST_F(HandoffTest, AnotherNumberOfLinksThanWasSaidIsRefused) {
  const std::array<int, 1> link{sockets_.first.get()};
  say_offer(0);
  say(RecordWriter(bus).add_number(6, 2), link);
  turn();
  expect_refused();
}

TEST_F(HandoffTest, ABusWithoutItsMemoryIsRefused) {
  say_offer(0);
  say(RecordWriter(bus).add_number(5, 0));
  turn();
  expect_refused();
}

TEST_F(HandoffTest, NothingIsTheNewWorkersBeforeTheCommit) {
  say_offer(1);
  say_connection(7);
  turn();
  say(end);
  turn();
  EXPECT_EQ(heard(), accepted);
  turn();
  EXPECT_FALSE(outcome_);
  say(commit);
  turn();
  expect_arrived({state_of(7)}, {sockets_.first.get()});
  EXPECT_EQ(outcome_->offered_at_ns, 12'345U);
}

TEST_F(HandoffTest, WithdrawnAtAnyPointTheConnectionsAreForgottenAndTheirCopiesClosed) {
  for (int words = 0; words <= 3; ++words) {
    auto pair = RecordSocket::make_pair();
    old_.emplace(std::move(pair.first));
    outcome_.reset();
    receiver_ = std::make_unique<HandoffReceiver>(loop_, std::move(pair.second), [this](Outcome outcome) {
      outcome_.emplace(std::move(outcome));
      receiver_.reset();
    });
    sockets_ = test::socket_pair();
    if (words > 0) say_offer(1);
    if (words > 1) say_connection(7);
    if (words > 2) say(end);
    turn();
    say(withdraw);
    turn();
    expect_refused();
    test::Peer peer(std::move(sockets_.second));
    sockets_.first.reset();
    peer.receive();
    EXPECT_TRUE(peer.ended()) << "a copy is open after word " << words;
  }
}

TEST_F(HandoffTest, TheOldWorkersDeathBeforeItHadSaidEverythingOrphansItsClients) {
  say_offer(2);
  say_connection(7);
  turn();
  die();
  run();
  expect_refused(Result::orphaned);
}

TEST_F(HandoffTest, TheOldWorkersDeathBeforeItsOfferIsAnEndToo) {
  die();
  run();
  expect_refused(Result::orphaned);
}

TEST_F(HandoffTest, TheOldWorkersDeathAfterEverythingWasAcceptedMakesItOurs) {
  say_offer(1);
  say_connection(7);
  say(end);
  turn();
  EXPECT_EQ(heard(), accepted);
  die();
  run();
  expect_arrived({state_of(7)}, {sockets_.first.get()});
}

// It has said everything, and the stream ends before our answer can reach it. Only the master knows whether it is dead:
// they are kept until it says so.
TEST_F(HandoffTest, WhatIsWholeIsKeptWhenTheStreamEndsBeforeOurAnswer) {
  say_offer(1);
  say_connection(7);
  say(end);
  die();
  run();
  expect_arrived({state_of(7)}, {sockets_.first.get()}, Result::orphaned);
}

TEST_F(HandoffTest, AWithdrawalAndAnEndThatAreReadTogetherAreAWithdrawal) {
  say_offer(1);
  say_connection(7);
  say(end);
  say(withdraw);
  die();
  run();
  expect_refused();
}

TEST_F(HandoffTest, AnotherNumberThanWasOfferedIsRefused) {
  say_offer(2);
  say_connection(7);
  say(end);
  turn();
  expect_refused();
  EXPECT_EQ(old_->receive().status, RecordSocket::Status::ended);
}

TEST_F(HandoffTest, MoreThanWasOfferedIsRefused) {
  say_offer(1);
  say_connection(7);
  say_connection(8);
  say(end);
  turn();
  expect_refused();
}

TEST_F(HandoffTest, ACommitWithoutAnEndIsRefused) {
  say_offer(0);
  say(commit);
  turn();
  expect_refused();
}

TEST_F(HandoffTest, AConnectionWithoutItsSocketIsRefused) {
  say_offer(1);
  say(RecordWriter(batch).add(3, test::text_of(encode(state_of(7)).bytes())));
  turn();
  expect_refused();
}

TEST_F(HandoffTest, AStateThatIsNoneIsRefused) {
  const std::array<int, 1> socket{sockets_.first.get()};
  say_offer(1);
  say(RecordWriter(batch).add(3, "nonsense"), socket);
  turn();
  expect_refused();
}

TEST_F(HandoffTest, MemoryThatHoldsLessThanItSaysIsRefused) {
  const FileDescriptor memory(::memfd_create("test", MFD_CLOEXEC));
  const auto record = encode(state_of(7));
  ASSERT_EQ(::write(memory.get(), record.bytes().data(), record.bytes().size()),
            static_cast<ssize_t>(record.bytes().size()));
  const std::array<int, 2> descriptors{memory.get(), sockets_.first.get()};
  say_offer(1);
  say(RecordWriter(batch).add_number(4, record.bytes().size() + 1), descriptors);
  turn();
  expect_refused();
}

TEST_F(HandoffTest, MemoryOfNoSizeIsRefused) {
  const FileDescriptor memory(::memfd_create("test", MFD_CLOEXEC));
  const std::array<int, 2> descriptors{memory.get(), sockets_.first.get()};
  say_offer(1);
  say(RecordWriter(batch).add_number(4, 0), descriptors);
  turn();
  expect_refused();
}

TEST_F(HandoffTest, BytesThatAreNoRecordAreRefused) {
  EXPECT_EQ(old_->send(test::bytes_of("x")), RecordSocket::Status::done);
  turn();
  expect_refused();
}

TEST_F(HandoffTest, WordsAndFieldsOfALaterReleaseAreSkipped) {
  say(999);
  say(RecordWriter(offer).add_number(1, 1).add(77, "later"));
  const std::array<int, 1> socket{sockets_.first.get()};
  say(RecordWriter(batch).add(77, "later").add(3, test::text_of(encode(state_of(7)).bytes())).add_number(78, 1),
      socket);
  say(999);
  say(end);
  turn();
  say(commit);
  turn();
  expect_arrived({state_of(7)}, {sockets_.first.get()});
}

// The withdrawal finds no room in the stream either. The new worker, when it wakes up, must not take the end of the
// stream for the old worker's death: that one lives, and serves, and keeps the stream open to say so.
TEST_F(HandoffTest, AWithdrawalToOneThatReadNothingIsNotTakenForADeath) {
  RecordSocket unheard;
  {
    HandoffSender handoff(std::move(*old_), 2000, 20ms);
    for (ConnectionId id = 1; id <= 2000; ++id) handoff.add(state_of(id, 8000), sockets_.first.get());
    EXPECT_FALSE(handoff.offer_accepted());
    unheard = handoff.withdraw();
  }
  ASSERT_TRUE(unheard);
  for (int i = 0; i < 100; ++i) turn();
  EXPECT_FALSE(outcome_) << "it waits to be sent away";
}

}  // namespace
}  // namespace wsd::worker
