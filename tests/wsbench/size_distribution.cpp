#include "tests/wsbench/size_distribution.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <stdexcept>
#include <string>

namespace wsd::bench {
namespace {

constexpr std::size_t largest_size = std::size_t{1} << 30U;
constexpr std::uint64_t largest_weight = 1'000'000'000;

[[noreturn]] void refuse(std::string_view text, std::string_view why) {
  throw std::invalid_argument("size '" + std::string(text) + "': " + std::string(why) +
                              "; sizes look like 20, 1k, 64-4096 or 20:90,1k:9,64k:1");
}

std::optional<std::uint64_t> number(std::string_view text) {
  std::uint64_t value = 0;
  const char* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, value);
  if (text.empty() || error != std::errc{} || rest != end) return std::nullopt;
  return value;
}

std::size_t size_of(std::string_view text) {
  std::string_view digits = text;
  unsigned shift = 0;
  if (!digits.empty() && (digits.back() == 'k' || digits.back() == 'K')) shift = 10;
  if (!digits.empty() && (digits.back() == 'm' || digits.back() == 'M')) shift = 20;
  if (shift > 0) digits.remove_suffix(1);
  const auto value = number(digits);
  if (!value) refuse(text, "not a number of bytes, k or M");
  if (*value > largest_size >> shift) refuse(text, "more than 1024M");
  return static_cast<std::size_t>(*value << shift);
}

std::uint64_t weight_of(std::string_view text) {
  const auto value = number(text);
  if (!value || *value == 0 || *value > largest_weight) refuse(text, "a weight is a number from 1 to 1000000000");
  return *value;
}

}  // namespace

SizeDistribution SizeDistribution::parse(std::string_view text) {
  SizeDistribution made;
  std::uint64_t weights = 0;
  for (std::string_view rest = text;;) {
    const auto comma = rest.find(',');
    const std::string_view entry = rest.substr(0, comma);
    const auto colon = entry.find(':');
    const std::string_view sizes = entry.substr(0, colon);
    const auto dash = sizes.find('-');
    Choice choice{};
    choice.least = size_of(sizes.substr(0, dash));
    choice.most = dash == std::string_view::npos ? choice.least : size_of(sizes.substr(dash + 1));
    if (choice.most < choice.least) refuse(sizes, "ends before it begins");
    weights += colon == std::string_view::npos ? 1 : weight_of(entry.substr(colon + 1));
    choice.weights_so_far = weights;
    made.choices_.push_back(choice);
    if (comma == std::string_view::npos) return made;
    rest.remove_prefix(comma + 1);
  }
}

std::size_t SizeDistribution::choose(Random& random) const {
  const std::uint64_t chosen = choices_.size() == 1 ? 0 : random.below(choices_.back().weights_so_far);
  const auto choice = std::ranges::upper_bound(choices_, chosen, {}, &Choice::weights_so_far);
  if (choice->least == choice->most) return choice->least;
  return choice->least + static_cast<std::size_t>(random.below(choice->most - choice->least + 1));
}

std::size_t SizeDistribution::largest() const {
  return std::ranges::max(choices_, {}, &Choice::most).most;
}

std::size_t SizeDistribution::smallest() const {
  return std::ranges::min(choices_, {}, &Choice::least).least;
}

double SizeDistribution::mean() const {
  double sum = 0;
  std::uint64_t before = 0;
  for (const Choice& choice : choices_) {
    sum += static_cast<double>(choice.weights_so_far - before) * static_cast<double>(choice.least + choice.most) / 2;
    before = choice.weights_so_far;
  }
  return sum / static_cast<double>(before);
}

}  // namespace wsd::bench
