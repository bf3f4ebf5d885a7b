// Questions to other slots that have not been answered by all: each waits 500 ms at most, and then ends as partial.
//
// Owned by the bus. Nothing is told from within the call that asks: finish_complete() does it, once a turn.

#pragma once

#include <uv.h>

#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <unordered_map>
#include <vector>

#include "protocol/record.h"
#include "worker/loop.h"
#include "worker/uv_handle.h"

namespace wsd::worker {

class Questions {
 public:
  using Id = std::uint64_t;
  // What one slot answers.
  using Take = std::function<void(const protocol::RecordReader&)>;
  // All have answered, or time is up.
  using Finish = std::function<void(bool partial)>;

  static constexpr std::uint64_t patience_ms = 500;

  // Ids begin behind `first`.
  Questions(Loop& loop, Id first);
  Questions(const Questions&) = delete;
  Questions& operator=(const Questions&) = delete;

  [[nodiscard]] Id next_id() { return ++last_id_; }
  // `expected`: how many answers there will be, if that is known already.
  void ask(Id id, std::optional<std::size_t> expected, Take take, Finish finish);
  // So many answers will come, says one who knows.
  void expect(Id id, std::size_t answers);
  // Too late, or twice: ignored.
  void answer(Id id, const protocol::RecordReader& answer);

  [[nodiscard]] bool has_complete() const { return !complete_.empty(); }
  void finish_complete();

 private:
  struct Question {
    std::optional<std::size_t> expected;
    std::size_t answered = 0;
    Take take;
    Finish finish;
  };
  struct Due {
    std::uint64_t at_ms;
    Id id;
  };

  void complete_if_answered(Id id, const Question& question);
  void end_overdue();
  void arm();

  Loop& loop_;
  Id last_id_;
  std::unordered_map<Id, Question> questions_;
  std::deque<Due> due_;  // all wait equally long, so they stand in order
  std::vector<Id> complete_;
  UvHandle<uv_timer_t> timer_;
};

}  // namespace wsd::worker
