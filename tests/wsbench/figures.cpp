#include "tests/wsbench/figures.h"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <cmath>

namespace wsd::bench {

namespace {

struct Unit {
  std::string_view name;
  double value;  // in the one before all: one, a byte, a second
};

constexpr std::array<Unit, 4> count_units{{{"G", 1e9}, {"M", 1e6}, {"k", 1e3}, {"", 1}}};
constexpr std::array<Unit, 5> size_units{{{"TB", 0x1p40}, {"GB", 0x1p30}, {"MB", 0x1p20}, {"KB", 0x1p10}, {"B", 1}}};
constexpr std::array<Unit, 5> time_units{{{"h", 3600}, {"m", 60}, {"s", 1}, {"ms", 1e-3}, {"us", 1e-6}}};
constexpr double most = 1e15;

// In the largest unit of which it is one or more.
template <typename Units>
std::string text_in(const Units& units, double value) {
  for (const Unit& unit : units) {
    if (value >= unit.value) return fmt::format("{:.2f}{}", value / unit.value, unit.name);
  }
  return fmt::format("{:.2f}{}", value / units.back().value, units.back().name);
}

bool is_same_word(std::string_view left, std::string_view right) {
  return left.size() == right.size() &&
         std::equal(left.begin(), left.end(), right.begin(), [](char a, char b) { return (a | 0x20) == (b | 0x20); });
}

template <typename Units>
std::optional<double> value_from(std::string_view text, const Units& units, std::string_view default_unit) {
  double number = 0;
  const char* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, number, std::chars_format::fixed);
  if (error != std::errc() || !std::isfinite(number) || number < 0) return std::nullopt;
  const std::string_view name = rest == end ? default_unit : std::string_view(rest, end);
  for (const Unit& unit : units) {
    if (is_same_word(unit.name, name) && number * unit.value <= most) return number * unit.value;
  }
  return std::nullopt;
}

}  // namespace

std::string time_text(std::chrono::nanoseconds time) {
  return text_in(time_units, std::chrono::duration<double>(time).count());
}

std::string count_text(double count) {
  return text_in(count_units, count);
}

std::string size_text(double bytes) {
  return text_in(size_units, bytes);
}

std::optional<std::uint64_t> count_from(std::string_view text) {
  const auto value = value_from(text, count_units, "");
  if (!value || *value != std::floor(*value)) return std::nullopt;
  return static_cast<std::uint64_t>(*value);
}

std::optional<double> rate_from(std::string_view text) {
  return value_from(text, count_units, "");
}

std::optional<Seconds> duration_from(std::string_view text) {
  const auto value = value_from(text, time_units, "s");
  return value ? std::optional(Seconds(*value)) : std::nullopt;
}

}  // namespace wsd::bench
