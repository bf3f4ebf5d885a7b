#include "master/connections_desk.h"

#include <gmock/gmock.h>
#include <sys/mman.h>

#include <string>

#include "worker/master_protocol.h"

namespace wsd::master {
namespace {

using std::chrono::milliseconds;
using testing::ElementsAre;
using testing::IsEmpty;
using worker::FileDescriptor;
using worker::MasterField;

FileDescriptor some_rows() {
  return FileDescriptor(::memfd_create("test", MFD_CLOEXEC));
}

class ConnectionsDeskTest : public testing::Test {
 protected:
  void take(WorkerKey worker, const protocol::RecordWriter& record) {
    const auto order = protocol::RecordReader::parse(record.bytes());
    ASSERT_TRUE(order);
    EXPECT_EQ(static_cast<worker::MasterOrder>(order->type()), worker::MasterOrder::list_connections);
    asked_.push_back(worker);
    filter_ = worker::decode_filter(order->find(tag(MasterField::filter)).value_or(""));
    question_ = order->number(tag(MasterField::question)).value_or(0);
  }

  std::vector<ConnectionsDesk::Asked> workers_{{.worker = 7, .slot = 0}, {.worker = 8, .slot = 1}};
  std::vector<WorkerKey> asked_;
  worker::ConnectionFilter filter_;
  std::uint64_t question_ = 0;
  std::vector<std::string> told_;
  TimePoint now_ = Clock::now();
  ConnectionsDesk desk_{
      {.pick_workers = [this](std::optional<std::uint32_t>) { return workers_; },
       .order = [this](WorkerKey worker, const protocol::RecordWriter& record) { take(worker, record); },
       .pass_on =
           [this](ConnectionsDesk::ClientId client, Slot slot, const FileDescriptor& rows) {
             EXPECT_TRUE(rows);
             told_.push_back("rows of " + std::to_string(slot) + " to " + std::to_string(client));
           },
       .finish =
           [this](ConnectionsDesk::ClientId client, const std::vector<Slot>& missing) {
             std::string line = "end for " + std::to_string(client);
             for (const Slot slot : missing) line += " without " + std::to_string(slot);
             told_.push_back(line);
           }}};
};

TEST_F(ConnectionsDeskTest, AsksEveryWorkerAndPassesOnWhatEachHas) {
  worker::ConnectionFilter filter;
  filter.path = "/room";
  desk_.request(3, filter, now_);
  EXPECT_THAT(asked_, ElementsAre(7U, 8U));
  EXPECT_EQ(filter_, filter);
  desk_.take_answer(8, question_, some_rows());
  EXPECT_THAT(told_, ElementsAre("rows of 1 to 3"));
  desk_.take_answer(8, question_, some_rows());  // once more means nothing
  desk_.take_answer(7, question_, some_rows());
  EXPECT_THAT(told_, ElementsAre("rows of 1 to 3", "rows of 0 to 3", "end for 3"));
  EXPECT_EQ(desk_.next_deadline(), std::nullopt);
}

TEST_F(ConnectionsDeskTest, NamesWhoIsSilent) {
  desk_.request(3, {}, now_);
  desk_.take_answer(7, question_, some_rows());
  ASSERT_EQ(desk_.next_deadline(), now_ + ConnectionsDesk::timeout);
  desk_.handle_time(now_ + ConnectionsDesk::timeout - milliseconds(1));
  EXPECT_THAT(told_, ElementsAre("rows of 0 to 3"));
  desk_.handle_time(now_ + ConnectionsDesk::timeout);
  EXPECT_THAT(told_, ElementsAre("rows of 0 to 3", "end for 3 without 1"));
  desk_.take_answer(8, question_, some_rows());  // late
  EXPECT_EQ(told_.size(), 2U);
}

TEST_F(ConnectionsDeskTest, DoesNotWaitForTheDead) {
  desk_.request(3, {}, now_);
  desk_.died(8);
  desk_.died(9);
  EXPECT_THAT(told_, IsEmpty());
  desk_.died(7);
  EXPECT_THAT(told_, ElementsAre("end for 3 without 0 without 1"));
}

TEST_F(ConnectionsDeskTest, AWorkerWithoutMemoryIsMissing) {
  desk_.request(3, {}, now_);
  desk_.take_answer(7, question_, {});
  desk_.take_answer(8, question_, some_rows());
  EXPECT_THAT(told_, ElementsAre("rows of 1 to 3", "end for 3 without 0"));
}

TEST_F(ConnectionsDeskTest, IsDoneAtOnceWhenThereIsNobodyToAsk) {
  workers_.clear();
  desk_.request(3, {}, now_);
  EXPECT_THAT(told_, ElementsAre("end for 3"));
}

}  // namespace
}  // namespace wsd::master
