#include "master/reopen_desk.h"

#include <fcntl.h>
#include <gmock/gmock.h>

#include <string>
#include <utility>
#include <vector>

#include "master/exit_status.h"
#include "worker/master_protocol.h"

namespace wsd::master {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Pair;
using worker::MasterField;
using worker::MasterOrder;

class ReopenDeskTest : public testing::Test {
 protected:
  OpenedFiles open() {
    if (!problem_.empty()) throw CommandError(CommandStatus::failed, problem_);
    OpenedFiles files;
    for (const char kind : kinds_) {
      files.kinds += kind;
      files.descriptors.emplace_back(::open("/dev/null", O_WRONLY | O_CLOEXEC));
    }
    return files;
  }

  void take(WorkerKey worker, const protocol::RecordWriter& record, std::size_t descriptors) {
    const auto order = protocol::RecordReader::parse(record.bytes());
    ASSERT_TRUE(order);
    EXPECT_EQ(static_cast<MasterOrder>(order->type()), MasterOrder::reopen);
    EXPECT_EQ(order->find(tag(MasterField::files)), kinds_);
    EXPECT_EQ(descriptors, kinds_.size());
    asked_.push_back(worker);
    question_ = order->number(tag(MasterField::question)).value_or(0);
  }

  std::string kinds_ = "elo";
  std::string problem_;
  std::map<WorkerKey, std::string> workers_{{7, "worker 0 (pid 70)"}, {8, "relay 0 (pid 80)"}};
  std::vector<std::string> used_;
  std::vector<WorkerKey> asked_;
  std::uint64_t question_ = 0;
  std::vector<std::pair<CommandStatus, std::string>> answers_;
  TimePoint now_ = Clock::now();
  ReopenDesk desk_{{.open = [this] { return open(); },
                    .use = [this](const OpenedFiles& files) { used_.push_back(files.kinds); },
                    .workers = [this] { return workers_; },
                    .order = [this](WorkerKey worker, const protocol::RecordWriter& record,
                                    const std::vector<int>& files) { take(worker, record, files.size()); },
                    .answer = [this](ReopenDesk::ClientId, CommandStatus status,
                                     const std::string& text) { answers_.emplace_back(status, text); }}};
};

TEST_F(ReopenDeskTest, AnswersWhenEveryProcessHasSwitched) {
  desk_.request(1, now_);
  EXPECT_THAT(used_, ElementsAre("elo"));
  EXPECT_THAT(asked_, ElementsAre(7, 8));
  desk_.take_answer(7, question_, "");
  desk_.take_answer(7, question_, "");
  EXPECT_THAT(answers_, IsEmpty());
  desk_.take_answer(8, question_, "");
  EXPECT_THAT(answers_, ElementsAre(Pair(CommandStatus::done, "reopened: 3 processes write to the new files")));
  EXPECT_EQ(desk_.next_deadline(), std::nullopt);
}

TEST_F(ReopenDeskTest, WaitsForNobodyWhoDies) {
  desk_.request(1, now_);
  desk_.take_answer(7, question_, "");
  desk_.died(8);
  EXPECT_THAT(answers_, ElementsAre(Pair(CommandStatus::done, HasSubstr("reopened"))));
}

TEST_F(ReopenDeskTest, NamesThoseThatDoNotAnswerInTime) {
  desk_.request(1, now_);
  desk_.take_answer(8, question_, "");
  EXPECT_EQ(desk_.next_deadline(), now_ + ReopenDesk::timeout);
  desk_.handle_time(now_ + ReopenDesk::timeout - std::chrono::milliseconds(1));
  EXPECT_THAT(answers_, IsEmpty());
  desk_.handle_time(now_ + ReopenDesk::timeout);
  EXPECT_THAT(answers_,
              ElementsAre(Pair(CommandStatus::failed, HasSubstr("worker 0 (pid 70) has not answered within 3 s"))));
  desk_.take_answer(7, question_, "");
  EXPECT_EQ(answers_.size(), 1U) << "it was late";
}

TEST_F(ReopenDeskTest, NamesThoseThatCannot) {
  desk_.request(1, now_);
  desk_.take_answer(8, question_, "it is out of descriptors");
  desk_.take_answer(7, question_, "");
  EXPECT_THAT(answers_, ElementsAre(Pair(CommandStatus::failed, "relay 0 (pid 80) cannot: it is out of descriptors")));
}

TEST_F(ReopenDeskTest, AFileThatCannotBeOpenedChangesNothing) {
  problem_ = "/var/log/wsd.log is a symbolic link, which a log file must not be";
  desk_.request(1, now_);
  EXPECT_THAT(used_, IsEmpty());
  EXPECT_THAT(asked_, IsEmpty());
  EXPECT_THAT(answers_, ElementsAre(Pair(CommandStatus::failed, HasSubstr("is a symbolic link"))));
}

TEST_F(ReopenDeskTest, ALogOnTheTerminalIsNoFile) {
  kinds_.clear();
  desk_.request(1, now_);
  EXPECT_THAT(asked_, IsEmpty());
  EXPECT_THAT(answers_, ElementsAre(Pair(CommandStatus::done, HasSubstr("nothing to reopen"))));
}

TEST_F(ReopenDeskTest, ServesSeveralAtATime) {
  desk_.request(1, now_);
  const auto first = question_;
  desk_.request(2, now_);
  desk_.take_answer(7, question_, "");
  desk_.take_answer(8, question_, "");
  EXPECT_EQ(answers_.size(), 1U);
  desk_.take_answer(7, first, "");
  desk_.take_answer(8, first, "");
  EXPECT_EQ(answers_.size(), 2U);
}

}  // namespace
}  // namespace wsd::master
