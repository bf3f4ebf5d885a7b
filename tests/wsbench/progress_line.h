#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "tests/wsbench/clock.h"

namespace wsd::bench {

// One line that changes once a second, on standard error where that is a terminal; else nothing at all.
class ProgressLine {
 public:
  // `has_rate`: there are events, whose number a second is shown.
  explicit ProgressLine(bool has_rate);

  void show_opening(std::uint64_t open, std::size_t wanted);
  // `elapsed`: of the measured time. `events`: since the beginning.
  void show_load(Time now, Seconds elapsed, std::uint64_t events, std::uint64_t open, std::uint64_t errors);
  // Before the load or after it.
  void show_waiting(Time now, std::string_view what);
  // The line, and the ^C that a terminal shows in it.
  void clear();

 private:
  void show(const std::string& text);

  bool is_terminal_;
  bool has_rate_;
  bool has_begun_ = false;  // the load
  Time last_shown_{};
  std::uint64_t last_events_ = 0;
};

}  // namespace wsd::bench
