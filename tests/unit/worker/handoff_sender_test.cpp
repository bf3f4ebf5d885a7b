// The old worker's side of a handoff, with the new one's words spoken by hand.
#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include "tests/unit/worker/support/sockets.h"
#include "worker/handoff.h"

namespace wsd::worker {
namespace {

using namespace std::chrono_literals;
using protocol::RecordWriter;

constexpr std::uint16_t offer = 210;
constexpr std::uint16_t batch = 211;
constexpr std::uint16_t end = 212;
constexpr std::uint16_t accepted = 213;
constexpr std::uint16_t commit = 214;
constexpr std::uint16_t withdraw = 215;
constexpr std::chrono::seconds patience = 20s;

ConnectionState state_of(ConnectionId id, std::size_t input_size = 0) {
  ConnectionState state;
  state.id = id;
  state.phase = ConnectionState::Phase::open;
  state.remote_address = "192.0.2.7";
  state.input.assign(input_size, static_cast<std::byte>(id));
  return state;
}

class HandoffSenderTest : public testing::Test {
 protected:
  // What the new worker has heard by now.
  std::vector<std::uint16_t> words() {
    std::vector<std::uint16_t> all;
    for (auto received = pair_.second.receive(); received.status == RecordSocket::Status::done;
         received = pair_.second.receive()) {
      const auto record = protocol::RecordReader::parse(received.bytes);
      all.push_back(record ? record->type() : std::uint16_t{0});
    }
    return all;
  }
  using Words = std::vector<std::uint16_t>;

  std::pair<RecordSocket, RecordSocket> pair_ = RecordSocket::make_pair();
  std::pair<FileDescriptor, FileDescriptor> sockets_ = test::socket_pair();
};

TEST_F(HandoffSenderTest, SaysItsWordsInTheirOrder) {
  HandoffSender handoff(std::move(pair_.first), 1, patience);
  handoff.add(state_of(1), sockets_.first.get());
  ASSERT_EQ(pair_.second.send(RecordWriter(accepted).bytes()), RecordSocket::Status::done);
  EXPECT_TRUE(handoff.offer_accepted());
  EXPECT_EQ(words(), (Words{offer, batch, end}));
  EXPECT_TRUE(handoff.commit());
  EXPECT_EQ(words(), Words{commit});
  EXPECT_EQ(handoff.failure(), "");
}

TEST_F(HandoffSenderTest, ANewWorkerThatDiesBeforeItAnswersLeavesTheConnectionsHere) {
  HandoffSender handoff(std::move(pair_.first), 1, patience);
  handoff.add(state_of(1), sockets_.first.get());
  { const RecordSocket closed = std::move(pair_.second); }
  EXPECT_FALSE(handoff.offer_accepted());
  EXPECT_NE(handoff.failure(), "");
  EXPECT_FALSE(handoff.commit());
  EXPECT_FALSE(handoff.withdraw()) << "there is nobody left to mislead";
}

TEST_F(HandoffSenderTest, ANewWorkerThatIsDeadBeforeTheOfferIsSaidToo) {
  { const RecordSocket closed = std::move(pair_.second); }
  HandoffSender handoff(std::move(pair_.first), 1, patience);
  EXPECT_NE(handoff.failure(), "");
  handoff.add(state_of(1), sockets_.first.get());
  EXPECT_FALSE(handoff.offer_accepted());
}

TEST_F(HandoffSenderTest, ANewWorkerThatDiesAfterItAcceptedLeavesTheConnectionsHere) {
  HandoffSender handoff(std::move(pair_.first), 0, patience);
  ASSERT_EQ(pair_.second.send(RecordWriter(accepted).bytes()), RecordSocket::Status::done);
  EXPECT_TRUE(handoff.offer_accepted());
  { const RecordSocket closed = std::move(pair_.second); }
  EXPECT_FALSE(handoff.commit());
  EXPECT_NE(handoff.failure(), "");
}

TEST_F(HandoffSenderTest, AnAnswerThatIsNoneIsARefusal) {
  HandoffSender handoff(std::move(pair_.first), 0, patience);
  ASSERT_EQ(pair_.second.send(RecordWriter(withdraw).bytes()), RecordSocket::Status::done);
  EXPECT_FALSE(handoff.offer_accepted());
  EXPECT_NE(handoff.failure(), "");
}

TEST_F(HandoffSenderTest, ANewWorkerThatDoesNotAnswerIsWaitedForOnlySoLong) {
  HandoffSender handoff(std::move(pair_.first), 0, 5ms);
  EXPECT_FALSE(handoff.offer_accepted());
  EXPECT_NE(handoff.failure().find("in time"), std::string::npos);
  EXPECT_FALSE(handoff.withdraw()) << "it was told";
  EXPECT_EQ(words(), (Words{offer, end, withdraw}));
}

TEST_F(HandoffSenderTest, ANewWorkerThatReadsNothingIsWaitedForOnlySoLong) {
  HandoffSender handoff(std::move(pair_.first), 2000, 20ms);
  for (ConnectionId id = 1; id <= 2000; ++id) handoff.add(state_of(id, 8000), sockets_.first.get());
  EXPECT_NE(handoff.failure().find("in time"), std::string::npos);
  EXPECT_FALSE(handoff.offer_accepted());
}

}  // namespace
}  // namespace wsd::worker
