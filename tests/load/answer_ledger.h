#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <set>
#include <string_view>

#include "tests/load/clock.h"
#include "tests/load/errors.h"

namespace wsd::load {

// The messages of one connection that wait for their answers, and the verdict on every answer: each once, in order,
// whole, and never from older code than the one before. An answer is PREFIX, the code's number, a blank, the message.
class AnswerLedger {
 public:
  struct Message {
    std::uint64_t number = 0;
    std::size_t size = 0;
    std::uint8_t opcode = 0;
    std::optional<Clock::time_point> sent_at;  // when its last byte was with the kernel
  };

  AnswerLedger(std::uint64_t connection, std::string_view prefix) : connection_(connection), prefix_(prefix) {}

  void expect(const Message& message) { waiting_.push_back(message); }
  // The oldest of the messages that were not has left.
  void note_sent(Clock::time_point now);

  // The message that was answered, or nothing, and the fault is counted.
  std::optional<Message> take(std::uint8_t opcode, std::string_view answer, Errors& errors);

  // Another connection may come to a worker whose code is older.
  void begin_connection() { newest_code_ = 0; }

  // What still waits gets no answer any more.
  void give_up(Errors& errors);

  [[nodiscard]] std::size_t waiting() const { return waiting_.size(); }
  // The newest code that answered on this connection; 0 before the first answer.
  [[nodiscard]] std::uint64_t newest_code() const { return newest_code_; }

 private:
  [[nodiscard]] bool take_prefix(std::string_view& answer, Errors& errors);
  void skip_to(std::uint64_t number);

  std::uint64_t connection_;
  std::string_view prefix_;
  std::uint64_t newest_code_ = 0;
  std::deque<Message> waiting_;
  std::set<std::uint64_t> skipped_;  // a later message was answered before them
};

}  // namespace wsd::load
