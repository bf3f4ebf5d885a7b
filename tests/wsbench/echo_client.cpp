#include "tests/wsbench/echo_client.h"

#include <algorithm>

namespace wsd::bench {

EchoClient::Judgement EchoClient::judge(const EchoMessages& messages, const MessagePiece& piece) {
  if (piece.offset == 0) receiving_ = next_;
  const bool is_expected = receiving_ < sent_ && messages.is_answer(receiving_, piece.offset, piece.bytes);
  if (!is_expected && !is_other_answer(messages, piece)) return {Verdict::wrong};
  if (piece.opcode != messages.opcode()) return {Verdict::wrong};
  if (!piece.ends_message) return {Verdict::incomplete};
  if (piece.offset + piece.bytes.size() != messages.answer_size(receiving_)) return {Verdict::wrong};
  return take(receiving_);
}

bool EchoClient::is_other_answer(const EchoMessages& messages, const MessagePiece& piece) {
  if (piece.offset != 0) return false;
  const auto digits = messages.number_in(piece.bytes);
  if (!digits) return false;
  const auto distance = static_cast<std::int32_t>(*digits - static_cast<std::uint32_t>(next_));
  receiving_ = next_ + static_cast<std::uint64_t>(std::int64_t{distance});
  return receiving_ >= first_ && receiving_ < sent_ && messages.is_answer(receiving_, 0, piece.bytes);
}

EchoClient::Judgement EchoClient::take(std::uint64_t number) {
  if (number == next_) {
    ++next_;
    return {Verdict::answer, due_.at(number)};
  }
  if (number > next_) {
    const Time due = due_.at(number);
    for (; next_ != number; ++next_) missing_.push_back(next_);
    ++next_;
    return {Verdict::skipping, due};
  }
  const auto found = std::find(missing_.begin(), missing_.end(), number);
  if (found == missing_.end()) return {Verdict::doubled};
  missing_.erase(found);
  return {Verdict::late};
}

}  // namespace wsd::bench
