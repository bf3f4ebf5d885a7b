#include "master/bus_pairs.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "worker/file_descriptor.h"
#include "worker/master_protocol.h"

namespace wsd::master {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using worker::FileDescriptor;
using worker::MasterField;
using worker::MasterOrder;

constexpr unsigned homes = 4;

// What each worker was told, in words, and the ends it was given.
class BusPairsTest : public ::testing::Test {
 protected:
  BusPairs bus_{homes, [this](WorkerKey worker, const protocol::RecordWriter& record, const std::vector<int>& ends) {
                  take(worker, record, ends);
                }};

  // And forgets it.
  std::vector<std::string> told(WorkerKey worker) { return std::exchange(told_[worker], {}); }

  FileDescriptor& end(WorkerKey worker, Slot peer) { return ends_[{worker, peer}]; }

  void expect_linked(WorkerKey one, Slot slot_of_one, WorkerKey other, Slot slot_of_other) {
    const int from = end(one, slot_of_other).get();
    const int to = end(other, slot_of_one).get();
    ASSERT_EQ(::write(from, "hi", 2), 2);
    char text[2] = {};
    ASSERT_EQ(::read(to, text, 2), 2);
    EXPECT_EQ(std::string(text, 2), "hi");
  }

 private:
  void take(WorkerKey worker, const protocol::RecordWriter& record, const std::vector<int>& ends) {
    const auto order = protocol::RecordReader::parse(record.bytes());
    if (static_cast<MasterOrder>(order->type()) == MasterOrder::bus_complete) {
      std::string text = "complete " + std::to_string(*order->number(tag(MasterField::homes)));
      for (const std::string_view slot : order->find_all(tag(MasterField::slot))) {
        text += " but for " + std::to_string(*protocol::number_of(slot));
      }
      told_[worker].push_back(text);
      EXPECT_THAT(ends, IsEmpty());
      return;
    }
    ASSERT_EQ(static_cast<MasterOrder>(order->type()), MasterOrder::bus_link);
    const auto peer = static_cast<Slot>(*order->number(tag(MasterField::slot)));
    told_[worker].push_back("link " + std::to_string(peer));
    ASSERT_EQ(ends.size(), 1U);
    ends_[{worker, peer}] = FileDescriptor(::fcntl(ends.front(), F_DUPFD_CLOEXEC, 0));
  }

  std::map<WorkerKey, std::vector<std::string>> told_;
  std::map<std::pair<WorkerKey, Slot>, FileDescriptor> ends_;
};

TEST_F(BusPairsTest, TheFirstHasNobodyToBeLinkedTo) {
  bus_.join(0, 10);
  EXPECT_THAT(told(10), ElementsAre("complete 4"));
  EXPECT_TRUE(bus_.is_on_bus(10));
  EXPECT_FALSE(bus_.is_on_bus(11));
}

TEST_F(BusPairsTest, EveryTwoGetTheEndsOfOnePair) {
  bus_.join(0, 10);
  bus_.join(1, 11);
  bus_.join(2, 12);
  EXPECT_THAT(told(10), ElementsAre("complete 4", "link 1", "link 2"));
  EXPECT_THAT(told(11), ElementsAre("link 0", "complete 4", "link 2"));
  EXPECT_THAT(told(12), ElementsAre("link 0", "link 1", "complete 4"));
  expect_linked(10, 0, 11, 1);
  expect_linked(12, 2, 10, 0);
  expect_linked(11, 1, 12, 2);
}

TEST_F(BusPairsTest, AnEndIsANonBlockingStreamThatEndsWithItsPeer) {
  bus_.join(0, 10);
  bus_.join(1, 11);
  const int ours = end(10, 1).get();
  int type = 0;
  socklen_t size = sizeof(type);
  ASSERT_EQ(::getsockopt(ours, SOL_SOCKET, SO_TYPE, &type, &size), 0);
  EXPECT_EQ(type, SOCK_STREAM);
  char byte = 0;
  EXPECT_EQ(::read(ours, &byte, 1), -1);
  EXPECT_EQ(errno, EAGAIN);
  end(11, 0).reset();  // the test's copy is the last one: the master keeps none
  EXPECT_EQ(::read(ours, &byte, 1), 0);
}

TEST_F(BusPairsTest, ARespawnedWorkerIsLinkedAnew) {
  bus_.join(0, 10);
  bus_.join(1, 11);
  bus_.died(11);
  EXPECT_FALSE(bus_.is_on_bus(11));
  told(10);
  bus_.join(1, 12);
  EXPECT_THAT(told(10), ElementsAre("link 1"));
  EXPECT_THAT(told(12), ElementsAre("link 0", "complete 4"));
  expect_linked(10, 0, 12, 1);
}

TEST_F(BusPairsTest, TheDeadGetNoLinks) {
  bus_.join(0, 10);
  bus_.join(1, 11);
  bus_.died(10);
  told(10);
  bus_.join(2, 12);
  EXPECT_THAT(told(10), IsEmpty());
  EXPECT_THAT(told(12), ElementsAre("link 1", "complete 4"));
}

TEST_F(BusPairsTest, ASuccessorInheritsThePlaceAndNothingIsSent) {
  bus_.join(0, 10);
  bus_.join(1, 11);
  bus_.begin_handoff(10);
  told(10), told(11);
  bus_.took_over(0, 20);
  EXPECT_TRUE(bus_.is_on_bus(20));
  EXPECT_FALSE(bus_.is_on_bus(10));
  bus_.died(10);
  EXPECT_THAT(told(20), IsEmpty());
  EXPECT_THAT(told(11), IsEmpty());
  bus_.join(2, 12);
  EXPECT_THAT(told(20), ElementsAre("link 2"));
  EXPECT_THAT(told(10), IsEmpty());
}

TEST_F(BusPairsTest, WhoTookOverFromOneThatWasNotOnTheBusIsNotEither) {
  bus_.took_over(0, 20);
  EXPECT_FALSE(bus_.is_on_bus(20));
  bus_.join(0, 20);
  EXPECT_TRUE(bus_.is_on_bus(20));
}

TEST_F(BusPairsTest, WhoJoinsDuringAHandoffIsLinkedToTheSuccessor) {
  bus_.join(0, 10);
  bus_.begin_handoff(10);
  told(10);
  bus_.join(1, 11);
  EXPECT_THAT(told(10), IsEmpty()) << "it may never read it";
  EXPECT_THAT(told(11), ElementsAre("complete 4 but for 0"));
  bus_.took_over(0, 20);
  EXPECT_THAT(told(20), ElementsAre("link 1"));
  EXPECT_THAT(told(11), ElementsAre("link 0"));
  expect_linked(20, 0, 11, 1);
}

TEST_F(BusPairsTest, WhoJoinsDuringAHandoffThatFailsIsLinkedToTheOldWorker) {
  bus_.join(0, 10);
  bus_.begin_handoff(10);
  bus_.join(1, 11);
  told(10), told(11);
  bus_.handoff_failed(10);
  EXPECT_THAT(told(10), ElementsAre("link 1"));
  EXPECT_THAT(told(11), ElementsAre("link 0"));
}

TEST_F(BusPairsTest, AFailureThatIsLateDoesNotEndTheNextHandoff) {
  bus_.join(0, 10);
  bus_.begin_handoff(10);
  bus_.begin_handoff(10);
  bus_.handoff_failed(10);
  told(10);
  bus_.join(1, 11);
  EXPECT_THAT(told(10), IsEmpty());
  bus_.took_over(0, 21);
  EXPECT_THAT(told(21), ElementsAre("link 1"));
  bus_.handoff_failed(10);  // and one from the grave changes nothing
  EXPECT_TRUE(bus_.is_on_bus(21));
}

// The old worker has committed and is reaped before its successor's report is read.
TEST_F(BusPairsTest, TheSuccessorOfOneThatDiedInAHandoffHasItsPlace) {
  bus_.join(0, 10);
  bus_.begin_handoff(10);
  bus_.died(10);
  EXPECT_FALSE(bus_.is_on_bus(10));
  bus_.join(1, 11);
  bus_.took_over(0, 20);
  EXPECT_TRUE(bus_.is_on_bus(20));
  expect_linked(20, 0, 11, 1);
}

TEST_F(BusPairsTest, TheSuccessorOfOneThatDiedInAHandoffMayWantAllLinksAnew) {
  bus_.join(0, 10);
  bus_.join(1, 11);
  bus_.begin_handoff(10);
  bus_.died(10);
  told(11);
  bus_.join(0, 20);
  bus_.took_over(0, 20);
  EXPECT_THAT(told(20), ElementsAre("link 1", "complete 4"));
  EXPECT_THAT(told(11), ElementsAre("link 0"));
}

TEST_F(BusPairsTest, TwoHandoffsAtOnceOweEachOtherNothingInTheEnd) {
  bus_.join(0, 10);
  bus_.begin_handoff(10);
  bus_.join(1, 11);
  bus_.begin_handoff(11);
  told(11);
  bus_.took_over(0, 20);
  EXPECT_THAT(told(20), IsEmpty());
  bus_.took_over(1, 21);
  EXPECT_THAT(told(20), ElementsAre("link 1"));
  EXPECT_THAT(told(21), ElementsAre("link 0"));
}

TEST_F(BusPairsTest, ARetiredWorkerKeepsItsPlaceUntilItEndsOrItsSlotIsFilledAnew) {
  bus_.join(0, 10);
  bus_.join(1, 11);  // drains from now on
  bus_.join(2, 12);
  EXPECT_THAT(told(11), ElementsAre("link 0", "complete 4", "link 2"));
  bus_.join(1, 13);
  EXPECT_FALSE(bus_.is_on_bus(11));
  bus_.died(11);
  EXPECT_TRUE(bus_.is_on_bus(13));
}

TEST_F(BusPairsTest, FewerSlotsMeanFewerHomesAndMoreChangeNothing) {
  bus_.join(0, 10);
  bus_.join(1, 11);
  told(10), told(11);
  bus_.limit_homes(8);
  EXPECT_EQ(bus_.homes(), homes);
  EXPECT_THAT(told(10), IsEmpty());
  bus_.limit_homes(2);
  EXPECT_EQ(bus_.homes(), 2U);
  EXPECT_THAT(told(10), ElementsAre("complete 2"));
  EXPECT_THAT(told(11), ElementsAre("complete 2"));
  bus_.limit_homes(4);
  EXPECT_EQ(bus_.homes(), 2U);
}

TEST_F(BusPairsTest, ASuccessorHearsOfFewerHomesWhenItHasTakenOver) {
  bus_.join(0, 10);
  bus_.begin_handoff(10);
  told(10);
  bus_.limit_homes(2);
  EXPECT_THAT(told(10), IsEmpty());
  bus_.took_over(0, 20);
  EXPECT_THAT(told(20), ElementsAre("complete 2"));
}

TEST_F(BusPairsTest, AResumedMasterKnowsWhoIsThere) {
  bus_.adopt(0, 10);
  EXPECT_TRUE(bus_.is_on_bus(10));
  EXPECT_THAT(told(10), IsEmpty());
  bus_.join(1, 11);
  EXPECT_THAT(told(10), ElementsAre("link 1"));
}

}  // namespace
}  // namespace wsd::master
