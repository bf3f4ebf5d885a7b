// The messages of one connection: which are due, sent and answered. Judges answers; sends nothing itself.

#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "tests/wsbench/connection.h"
#include "tests/wsbench/echo_messages.h"
#include "tests/wsbench/time_ring.h"

namespace wsd::bench {

class EchoClient {
 public:
  // `first`: its first message's number. Best a random one, so that answers of another connection are not its own.
  EchoClient(std::uint64_t first, std::size_t pipeline)
      : first_(first), queued_(first), sent_(first), next_(first), receiving_(first), due_(pipeline) {}

  enum class Verdict : std::uint8_t {
    incomplete,  // right as far as it goes
    answer,      // the one that was expected
    skipping,    // an answer, but messages before it have none yet: missing() tells
    late,        // an answer to a message that had been skipped
    doubled,     // an answer that had come before
    wrong,       // none at all
  };
  struct Judgement {
    Verdict verdict;
    std::optional<Time> due = {};  // of the message, where it is known
  };
  [[nodiscard]] Judgement judge(const EchoMessages& messages, const MessagePiece& piece);

  // One more message, due at that time.
  void queue(Time due) { due_.set(queued_++, due, next_); }
  [[nodiscard]] bool has_unsent() const { return sent_ != queued_; }
  // The next message to be sent is sent.
  std::uint64_t take_unsent() { return sent_++; }

  // Messages that are due or sent, and not answered.
  [[nodiscard]] std::uint64_t outstanding() const { return queued_ - next_ + missing_.size(); }
  // The message whose answer is expected.
  [[nodiscard]] std::uint64_t awaited() const { return next_; }
  // The same for people: from 0.
  [[nodiscard]] std::uint64_t expected() const { return next_ - first_; }

 private:
  [[nodiscard]] bool is_other_answer(const EchoMessages& messages, const MessagePiece& piece);
  [[nodiscard]] Judgement take(std::uint64_t number);

  std::uint64_t first_;
  std::uint64_t queued_;
  std::uint64_t sent_;
  std::uint64_t next_;       // the lowest that can be answered in order
  std::uint64_t receiving_;  // whose answer is coming in
  TimeRing due_;
  std::vector<std::uint64_t> missing_;  // skipped
};

}  // namespace wsd::bench
