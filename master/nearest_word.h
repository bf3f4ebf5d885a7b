// "Did you mean": the word of a list that is the fewest typing mistakes away.

#pragma once

#include <span>
#include <string>
#include <string_view>

namespace wsd::master {

// The first of the nearest by the number of typing mistakes, an exchange of two letters counting as one. Empty if none
// can have been meant: with more mistakes than two in five letters of the word.
[[nodiscard]] std::string nearest_word(std::string_view word, std::span<const std::string> candidates);

}  // namespace wsd::master
