#include "worker/questions.h"

#include <utility>

#include "worker/uv_timer.h"

namespace wsd::worker {

Questions::Questions(Loop& loop, Id first) : loop_(loop), last_id_(first) {
  timer_ = make_timer(loop, this);
}

void Questions::ask(Id id, std::optional<std::size_t> expected, Take take, Finish finish) {
  const auto [question, is_new] = questions_.emplace(id, Question{expected, 0, std::move(take), std::move(finish)});
  due_.push_back({uv_now(loop_.get()) + patience_ms, id});
  complete_if_answered(id, question->second);
  if (due_.size() == 1) arm();
}

void Questions::expect(Id id, std::size_t answers) {
  const auto question = questions_.find(id);
  if (question == questions_.end()) return;
  question->second.expected = answers;
  complete_if_answered(id, question->second);
}

void Questions::answer(Id id, const protocol::RecordReader& answer) {
  const auto question = questions_.find(id);
  if (question == questions_.end()) return;
  ++question->second.answered;
  question->second.take(answer);
  complete_if_answered(id, question->second);
}

void Questions::complete_if_answered(Id id, const Question& question) {
  if (question.expected && question.answered == *question.expected) complete_.push_back(id);
}

void Questions::finish_complete() {
  for (const Id id : std::exchange(complete_, {})) {
    // The call may ask the next question.
    if (auto node = questions_.extract(id)) node.mapped().finish(false);
  }
}

void Questions::end_overdue() {
  const std::uint64_t now = uv_now(loop_.get());
  finish_complete();
  while (!due_.empty() && due_.front().at_ms <= now) {
    auto node = questions_.extract(due_.front().id);
    due_.pop_front();
    if (node) node.mapped().finish(true);
  }
  while (!due_.empty() && !questions_.contains(due_.front().id)) due_.pop_front();
  arm();
}

void Questions::arm() {
  if (due_.empty()) return;
  const std::uint64_t now = uv_now(loop_.get());
  uv_timer_start(
      timer_.get(), [](uv_timer_t* timer) { static_cast<Questions*>(timer->data)->end_overdue(); },
      due_.front().at_ms > now ? due_.front().at_ms - now : 0, 0);
}

}  // namespace wsd::worker
