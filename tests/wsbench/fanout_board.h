// What the processes of a fan-out tell one another: numbers in memory that they share, and a descriptor of each that
// wakes it. Made before they are forked.

#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "tests/wsbench/counter.h"

namespace wsd::bench {

class FanoutBoard {
 public:
  // Throws std::system_error.
  FanoutBoard(std::size_t processes, std::size_t publishers);
  ~FanoutBoard();
  FanoutBoard(const FanoutBoard&) = delete;
  FanoutBoard& operator=(const FanoutBoard&) = delete;

  // A confirmed() of a process that nobody listens in.
  static constexpr std::uint64_t nobody = UINT64_MAX;

  // Written by the publisher's process: how much it has published, and whether it is gone, so that the server may not
  // have got the last of it.
  [[nodiscard]] Counter& published(std::size_t publisher) const { return row(publisher)[0]; }
  [[nodiscard]] Counter& is_gone(std::size_t publisher) const { return row(publisher)[1]; }
  // Written by `process`: the last publication that all its listeners have got; whether every publisher has reached all
  // of them; whether it will publish no more.
  [[nodiscard]] Counter& confirmed(std::size_t process, std::size_t publisher) const {
    return process_row(process)[2 + publisher];
  }
  [[nodiscard]] Counter& is_reached(std::size_t process) const { return process_row(process)[0]; }
  [[nodiscard]] Counter& has_finished(std::size_t process) const { return process_row(process)[1]; }

  [[nodiscard]] std::size_t processes() const { return wakers_.size(); }
  [[nodiscard]] std::size_t publishers() const { return publishers_; }
  // The process that speaks for a publisher; the others of it are `processes` apart.
  [[nodiscard]] std::size_t home_of(std::size_t publisher) const { return publisher % processes(); }

  // Becomes readable when woken, until rest().
  [[nodiscard]] int waker(std::size_t process) const { return wakers_[process]; }
  void wake(std::size_t process) const;
  void wake_others(std::size_t process) const;
  void rest(std::size_t process) const;

 private:
  // Rows are cache lines apart.
  static constexpr std::size_t counters_in_line = 16;

  [[nodiscard]] Counter* row(std::size_t index) const { return counters_ + index * counters_in_line; }
  [[nodiscard]] Counter* process_row(std::size_t process) const {
    return row(publishers_) + process * process_row_size_;
  }

  std::size_t publishers_;
  std::size_t process_row_size_;  // counters
  std::size_t size_;              // bytes
  Counter* counters_;
  std::vector<int> wakers_;
};

}  // namespace wsd::bench
