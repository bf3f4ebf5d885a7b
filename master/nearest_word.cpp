#include "master/nearest_word.h"

#include <algorithm>
#include <numeric>
#include <vector>

namespace wsd::master {

namespace {

std::size_t distance(std::string_view from, std::string_view to) {
  std::vector<std::size_t> row(to.size() + 1);  // distances from the part of `from` read so far to each prefix of `to`
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < from.size(); ++i) {
    std::size_t diagonal = row[0]++;
    for (std::size_t j = 0; j < to.size(); ++j) {
      const std::size_t replaced = diagonal + (from[i] == to[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({replaced, row[j] + 1, row[j + 1] + 1});
    }
  }
  return row.back();
}

}  // namespace

std::string nearest_word(std::string_view word, std::span<const std::string> candidates) {
  constexpr std::size_t longest_worth_comparing = 256;
  word = word.substr(0, longest_worth_comparing);
  const auto by_distance = [word](const std::string& candidate) { return distance(word, candidate); };
  const auto nearest = std::ranges::min_element(candidates, {}, by_distance);
  return nearest == candidates.end() ? std::string() : *nearest;
}

}  // namespace wsd::master
