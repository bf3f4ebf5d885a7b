#include "master/quantities.h"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <cmath>
#include <limits>

namespace wsd::master {

namespace {

using std::chrono::milliseconds;

struct SizeUnit {
  std::string_view name;
  std::uint64_t bytes;
};
struct TimeUnit {
  std::string_view name;
  milliseconds length;
};

// Each from large to small.
constexpr std::array<SizeUnit, 3> size_units{{{"G", 1ULL << 30U}, {"M", 1ULL << 20U}, {"K", 1ULL << 10U}}};
constexpr std::array<TimeUnit, 5> time_units{{{"d", std::chrono::hours(24)},
                                              {"h", std::chrono::hours(1)},
                                              {"m", std::chrono::minutes(1)},
                                              {"s", std::chrono::seconds(1)},
                                              {"ms", milliseconds(1)}}};

// Longer than anybody waits, and far from where arithmetic ends.
constexpr double longest_ms = 1e15;

}  // namespace

std::optional<std::uint64_t> size_from(std::string_view text) {
  std::uint64_t number = 0;
  const char* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, number);
  if (text.empty() || error != std::errc()) return std::nullopt;
  const std::string_view unit(rest, end);
  if (unit.empty()) return number;
  for (const SizeUnit& known : size_units) {
    const bool is_it = unit.size() == 1 && (unit[0] | 0x20) == (known.name[0] | 0x20);
    if (!is_it) continue;
    if (number > std::numeric_limits<std::uint64_t>::max() / known.bytes) return std::nullopt;
    return number * known.bytes;
  }
  return std::nullopt;
}

std::optional<milliseconds> duration_from(std::string_view text) {
  double number = 0;
  const char* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, number, std::chars_format::fixed);
  if (text.empty() || error != std::errc() || !std::isfinite(number)) return std::nullopt;
  const std::string_view unit = rest == end ? "s" : std::string_view(rest, end);
  for (const TimeUnit& known : time_units) {
    if (unit != known.name) continue;
    const double length = number * static_cast<double>(known.length.count());
    if (std::abs(length) > longest_ms) return std::nullopt;
    return milliseconds(std::llround(length));
  }
  return std::nullopt;
}

std::string size_text(std::uint64_t bytes) {
  for (const SizeUnit& unit : size_units) {
    if (bytes != 0 && bytes % unit.bytes == 0) return fmt::format("{}{}", bytes / unit.bytes, unit.name);
  }
  return fmt::format("{}", bytes);
}

std::string duration_text(milliseconds time) {
  for (const TimeUnit& unit : time_units) {
    if (time.count() != 0 && time % unit.length == milliseconds(0))
      return fmt::format("{}{}", time / unit.length, unit.name);
  }
  return "0";
}

std::string counted(std::uint64_t count, std::string_view noun) {
  return fmt::format("{} {}{}", count, noun, count == 1 ? "" : "s");
}

std::string rounded_size_text(std::uint64_t bytes) {
  constexpr std::array<std::string_view, 5> units{"", "K", "M", "G", "T"};
  auto amount = static_cast<double>(bytes);
  std::size_t unit = 0;
  for (; amount >= 1024 && unit + 1 < units.size(); ++unit) amount /= 1024;
  return unit == 0 ? fmt::format("{}", bytes) : fmt::format("{:.1f}{}", amount, units[unit]);
}

}  // namespace wsd::master
