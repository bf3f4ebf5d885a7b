// Deadlines of one kind: since all members wait equally long, arming appends and the list stays ordered by itself.
//
// Intrusive: a member derives from DeadlineHook, owns its hook and leaves its list when destroyed. Arming and disarming
// cost a few pointer writes and no allocation. Times are in milliseconds of the loop's clock (uv_now).

#pragma once

#include <algorithm>
#include <cstdint>

namespace wsd::worker {

class DeadlineHook {
 public:
  DeadlineHook() = default;
  DeadlineHook(const DeadlineHook&) = delete;
  DeadlineHook& operator=(const DeadlineHook&) = delete;
  ~DeadlineHook() { disarm(); }

  [[nodiscard]] bool armed() const { return next_ != nullptr; }
  // It is, or was, within 24 days of now.
  [[nodiscard]] std::uint64_t due_ms(std::uint64_t now_ms) const {
    return now_ms + static_cast<std::uint64_t>(std::int64_t{ahead_of(now_ms)});
  }
  void disarm() {
    if (!armed()) return;
    previous_->next_ = next_;
    next_->previous_ = previous_;
    next_ = previous_ = nullptr;
  }

 private:
  friend class DeadlineList;

  [[nodiscard]] std::int32_t ahead_of(std::uint64_t now_ms) const {
    return static_cast<std::int32_t>(due_ms_ - static_cast<std::uint32_t>(now_ms));
  }

  DeadlineHook* next_ = nullptr;
  DeadlineHook* previous_ = nullptr;
  std::uint32_t due_ms_ = 0;  // its low bits
};

class DeadlineList {
 public:
  // `wait_ms`: no more than 24 days, which longer waits are cut to.
  explicit DeadlineList(std::uint64_t wait_ms) : wait_ms_(std::min(wait_ms, longest_wait_ms)) {
    head_.next_ = head_.previous_ = &head_;
  }
  ~DeadlineList() {
    while (head_.next_ != &head_) head_.next_->disarm();
    head_.next_ = head_.previous_ = nullptr;
  }
  DeadlineList(const DeadlineList&) = delete;
  DeadlineList& operator=(const DeadlineList&) = delete;

  // Due `wait_ms` from now; a hook that was armed, here or elsewhere, is moved.
  void arm(DeadlineHook& hook, std::uint64_t now_ms) { append(hook, now_ms + wait_ms_); }

  // Due at a moment that another process had chosen, but no later than arm() would make it. Called in the order of
  // these moments, before anything else is armed.
  void restore(DeadlineHook& hook, std::uint64_t due_ms, std::uint64_t now_ms) {
    append(hook, std::min(due_ms, now_ms + wait_ms_));
  }
  // Takes one hook that is due out of the list; null when none is.
  DeadlineHook* take_due(std::uint64_t now_ms) {
    DeadlineHook* first = head_.next_;
    if (first == &head_ || first->ahead_of(now_ms) > 0) return nullptr;
    first->disarm();
    return first;
  }

 private:
  void append(DeadlineHook& hook, std::uint64_t due_ms) {
    hook.disarm();
    hook.due_ms_ = static_cast<std::uint32_t>(due_ms);
    hook.previous_ = head_.previous_;
    hook.next_ = &head_;
    head_.previous_->next_ = &hook;
    head_.previous_ = &hook;
  }

  static constexpr std::uint64_t longest_wait_ms = std::uint64_t{24} * 24 * 60 * 60 * 1000;

  std::uint64_t wait_ms_;
  DeadlineHook head_;
};

}  // namespace wsd::worker
