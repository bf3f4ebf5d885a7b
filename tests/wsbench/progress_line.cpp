#include "tests/wsbench/progress_line.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>

#include "tests/wsbench/figures.h"

namespace wsd::bench {

namespace {

constexpr std::chrono::milliseconds period{990};  // the looks that lead here are a tenth of a second apart

}  // namespace

ProgressLine::ProgressLine(bool has_rate) : is_terminal_(::isatty(STDERR_FILENO) == 1), has_rate_(has_rate) {}

void ProgressLine::show_opening(std::uint64_t open, std::size_t wanted) {
  const Time now = Clock::now();
  if (last_shown_ == Time{}) last_shown_ = now;  // what takes less than a second needs no line
  if (now - last_shown_ < period) return;
  last_shown_ = now;
  show(fmt::format("{} of {} connections are open", open, wanted));
}

void ProgressLine::show_load(Time now, Seconds elapsed, std::uint64_t events, std::uint64_t open,
                             std::uint64_t errors) {
  if (!has_begun_) {
    has_begun_ = true;
    last_events_ = events;
    last_shown_ = now;
    return;
  }
  if (now - last_shown_ < period) return;
  const double rate = static_cast<double>(events - last_events_) / Seconds(now - last_shown_).count();
  show(fmt::format("{:4.0f}s{}  {} connections{}", elapsed.count(),
                   has_rate_ ? fmt::format("  {}/s", count_text(rate)) : "", open,
                   errors == 0 ? "" : fmt::format("  {} errors", errors)));
  last_shown_ = now;
  last_events_ = events;
}

void ProgressLine::show_waiting(Time now, std::string_view what) {
  if (last_shown_ == Time{}) last_shown_ = now;
  if (now - last_shown_ < period) return;
  last_shown_ = now;
  show(fmt::format("  {}", what));
}

void ProgressLine::show(const std::string& text) {
  if (!is_terminal_) return;
  fmt::print(stderr, "\r\x1B[K{}", text);
  std::fflush(stderr);
}

void ProgressLine::clear() {
  if (is_terminal_) std::fputs("\r\x1B[K", stderr);
}

}  // namespace wsd::bench
