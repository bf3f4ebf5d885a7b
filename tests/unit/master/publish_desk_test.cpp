#include "master/publish_desk.h"

#include <gmock/gmock.h>

#include <string>
#include <utility>
#include <vector>

#include "worker/master_protocol.h"

namespace wsd::master {
namespace {

using std::chrono::milliseconds;
using testing::ElementsAre;
using testing::IsEmpty;
using worker::MasterField;
using worker::MasterOrder;

class PublishDeskTest : public testing::Test {
 protected:
  void take(WorkerKey worker, const protocol::RecordWriter& record) {
    const auto order = protocol::RecordReader::parse(record.bytes());
    ASSERT_TRUE(order);
    EXPECT_EQ(static_cast<MasterOrder>(order->type()), MasterOrder::publish);
    const auto text = [&](MasterField field) { return std::string(order->find(tag(field)).value_or("absent")); };
    const bool binary = order->number(tag(MasterField::binary)).value_or(0) != 0;
    orders_.push_back(std::to_string(worker) + ": " + text(MasterField::channel) + (binary ? " binary " : " text ") +
                      text(MasterField::data));
    questions_.push_back(order->number(tag(MasterField::question)).value_or(0));
  }

  std::optional<WorkerKey> serving_ = 7;
  std::vector<std::string> orders_;
  std::vector<std::uint64_t> questions_;
  std::vector<std::pair<int, std::string>> answers_;  // by client
  TimePoint now_ = Clock::now();
  PublishDesk desk_{{.pick_worker = [this] { return serving_; },
                     .order = [this](WorkerKey worker, const protocol::RecordWriter& record) { take(worker, record); },
                     .answer =
                         [this](PublishDesk::ClientId client, std::optional<Published> published) {
                           answers_.emplace_back(static_cast<int>(client), published ? to_text(*published) : "nobody");
                         }}};
};

TEST_F(PublishDeskTest, AsksAWorkerAndPassesItsAnswerOn) {
  desk_.request(1, {"room", "hello", false}, now_);
  desk_.request(2, {"room", std::string("\0\xFF", 2), true}, now_);
  EXPECT_THAT(orders_, ElementsAre("7: room text hello", std::string("7: room binary \0\xFF", 17)));
  ASSERT_NE(questions_[0], questions_[1]);
  desk_.take_answer(7, questions_[1], {3, false});
  desk_.take_answer(7, questions_[0], {1, true});
  EXPECT_THAT(answers_, ElementsAre(std::pair(2, "delivered to 3 subscribers"),
                                    std::pair(1, "delivered to 1 subscriber; a worker did not answer in time")));
  EXPECT_EQ(desk_.next_deadline(), std::nullopt);
}

TEST_F(PublishDeskTest, SaysSoWhenNobodyServes) {
  serving_.reset();
  desk_.request(1, {"room", "hello", false}, now_);
  EXPECT_THAT(answers_, ElementsAre(std::pair(1, "nobody")));
  EXPECT_THAT(orders_, IsEmpty());
}

TEST_F(PublishDeskTest, WaitsNoLongerThanItsDeadline) {
  desk_.request(1, {"room", "hello", false}, now_);
  desk_.request(2, {"room", "hello", false}, now_ + milliseconds(1));
  ASSERT_EQ(desk_.next_deadline(), now_ + PublishDesk::timeout);
  desk_.handle_time(now_ + PublishDesk::timeout - milliseconds(1));
  EXPECT_THAT(answers_, IsEmpty());
  desk_.handle_time(now_ + PublishDesk::timeout);
  EXPECT_THAT(answers_, ElementsAre(std::pair(1, "delivered to 0 subscribers; a worker did not answer in time")));
  desk_.take_answer(7, questions_[0], {3, false});
  EXPECT_EQ(answers_.size(), 1U) << "it is late";
}

TEST_F(PublishDeskTest, AnswersAtOnceWhenTheWorkerDies) {
  desk_.request(1, {"room", "hello", false}, now_);
  desk_.died(8);
  EXPECT_THAT(answers_, IsEmpty());
  desk_.died(7);
  EXPECT_THAT(answers_, ElementsAre(std::pair(1, "delivered to 0 subscribers; a worker did not answer in time")));
}

TEST_F(PublishDeskTest, BelievesOnlyTheWorkerThatWasAsked) {
  desk_.request(1, {"room", "hello", false}, now_);
  desk_.take_answer(8, questions_[0], {3, false});
  desk_.take_answer(7, questions_[0] + 1, {3, false});
  EXPECT_THAT(answers_, IsEmpty());
}

TEST(Published, IsJsonForPrograms) {
  EXPECT_EQ(to_json(Published{12, false}), R"({"delivered_to":12,"partial":false})");
  EXPECT_EQ(to_json(Published{0, true}), R"({"delivered_to":0,"partial":true})");
}

}  // namespace
}  // namespace wsd::master
