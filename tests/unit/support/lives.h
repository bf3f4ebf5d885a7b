// Random lives of a simulation, under promises: WSD_SEED=<seed> lives that one, WSD_LIVES=<number> those from 1 on,
// else so many. A broken promise prints its seed and the end of its story.
//
// A Life is made of a seed and of whether its story is kept; live() throws BrokenPromise, story() has the lines.

#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <optional>
#include <stdexcept>
#include <string>

namespace wsd::test {

struct Lives {
  std::uint64_t first = 1;
  std::uint64_t last = 1;
  bool is_one = false;  // that was asked for: its story is worth telling

  static Lives from_environment(std::uint64_t number) {
    if (const auto seed = number_in("WSD_SEED")) return {.first = *seed, .last = *seed, .is_one = true};
    return {.first = 1, .last = number_in("WSD_LIVES").value_or(number)};
  }

 private:
  static std::optional<std::uint64_t> number_in(const char* name) {
    const char* const text = std::getenv(name);
    return text != nullptr ? std::optional<std::uint64_t>(std::strtoull(text, nullptr, 10)) : std::nullopt;
  }
};

struct BrokenPromise : std::runtime_error {
  using std::runtime_error::runtime_error;
};

inline void promise(bool kept, const std::string& what) {
  if (!kept) throw BrokenPromise(what);
}

// Deterministic, so the life that failed silently is lived again aloud.
template <typename Life>
std::string story_of(std::uint64_t seed, std::size_t last_lines) {
  Life life(seed, true);
  try {
    life.live();
  } catch (const BrokenPromise&) {
  }
  const auto& story = life.story();
  std::string text;
  for (std::size_t i = story.size() - std::min(story.size(), last_lines); i < story.size(); ++i)
    text += story[i] + "\n";
  return text;
}

// `number` of them, where the environment does not say it; `end_of` is told each that kept its promises.
template <typename Life, typename EndOf>
void live_all(std::uint64_t number, EndOf end_of) {
  const auto lives = Lives::from_environment(number);
  if (lives.is_one) std::cout << story_of<Life>(lives.first, SIZE_MAX);
  for (std::uint64_t seed = lives.first; seed <= lives.last; ++seed) {
    Life life(seed, false);
    try {
      life.live();
    } catch (const BrokenPromise& broken) {
      FAIL() << "not kept: " << broken.what() << "\nreplay with WSD_SEED=" << seed << "\n" << story_of<Life>(seed, 60);
    }
    end_of(life);
  }
}

}  // namespace wsd::test
