#include "tests/load/answer_ledger.h"

#include <algorithm>
#include <charconv>

#include "tests/load/numbered_message.h"

namespace wsd::load {

void AnswerLedger::note_sent(Clock::time_point now) {
  const auto unsent = std::ranges::find_if(waiting_, [](const Message& message) { return !message.sent_at; });
  if (unsent != waiting_.end()) unsent->sent_at = now;
}

std::optional<AnswerLedger::Message> AnswerLedger::take(std::uint8_t opcode, std::string_view answer, Errors& errors) {
  const auto fault = [](std::size_t& count) {
    ++count;
    return std::nullopt;
  };
  if (!take_prefix(answer, errors)) return fault(errors.wrong);
  const auto name = name_of(answer);
  if (!name || name->connection != connection_) return fault(errors.wrong);
  if (skipped_.erase(name->number) > 0) return fault(errors.reordered);
  if (waiting_.empty() || name->number < waiting_.front().number) return fault(errors.doubled);
  if (name->number > waiting_.back().number) return fault(errors.wrong);
  skip_to(name->number);
  const Message message = waiting_.front();
  waiting_.pop_front();
  const bool is_whole =
      opcode == message.opcode && answer == numbered_message(connection_, message.number, message.size);
  if (!is_whole) return fault(errors.wrong);
  return message;
}

bool AnswerLedger::take_prefix(std::string_view& answer, Errors& errors) {
  if (!answer.starts_with(prefix_)) return false;
  std::uint64_t code = 0;
  const char* const end = answer.data() + answer.size();
  const auto [rest, error] = std::from_chars(answer.data() + prefix_.size(), end, code);
  if (error != std::errc{} || rest == end || *rest != ' ') return false;
  answer.remove_prefix(static_cast<std::size_t>(rest + 1 - answer.data()));
  if (code < newest_code_) ++errors.stale;
  newest_code_ = std::max(newest_code_, code);
  return true;
}

void AnswerLedger::skip_to(std::uint64_t number) {
  for (; waiting_.front().number != number; waiting_.pop_front()) skipped_.insert(waiting_.front().number);
}

void AnswerLedger::give_up(Errors& errors) {
  errors.lost += waiting_.size() + skipped_.size();
  waiting_.clear();
  skipped_.clear();
}

}  // namespace wsd::load
