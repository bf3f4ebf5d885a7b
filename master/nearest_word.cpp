#include "master/nearest_word.h"

#include <algorithm>
#include <numeric>
#include <vector>

namespace wsd::master {

namespace {

// Optimal string alignment: letters that are missing, too many, wrong, or exchanged with their neighbour.
std::size_t distance(std::string_view from, std::string_view to) {
  std::vector<std::vector<std::size_t>> rows(from.size() + 1, std::vector<std::size_t>(to.size() + 1));
  for (std::size_t i = 0; i <= from.size(); ++i) rows[i][0] = i;
  std::iota(rows[0].begin(), rows[0].end(), std::size_t{0});
  for (std::size_t i = 1; i <= from.size(); ++i) {
    for (std::size_t j = 1; j <= to.size(); ++j) {
      const std::size_t wrong = from[i - 1] == to[j - 1] ? 0 : 1;
      rows[i][j] = std::min({rows[i - 1][j - 1] + wrong, rows[i][j - 1] + 1, rows[i - 1][j] + 1});
      const bool exchanged = i > 1 && j > 1 && from[i - 1] == to[j - 2] && from[i - 2] == to[j - 1];
      if (exchanged) rows[i][j] = std::min(rows[i][j], rows[i - 2][j - 2] + 1);
    }
  }
  return rows.back().back();
}

}  // namespace

std::string nearest_word(std::string_view word, std::span<const std::string> candidates) {
  constexpr std::size_t longest_worth_comparing = 256;
  word = word.substr(0, longest_worth_comparing);
  const auto by_distance = [word](const std::string& candidate) { return distance(word, candidate); };
  const auto nearest = std::ranges::min_element(candidates, {}, by_distance);
  const bool is_near = nearest != candidates.end() && 5 * by_distance(*nearest) <= 2 * word.size();
  return is_near ? *nearest : std::string();
}

}  // namespace wsd::master
