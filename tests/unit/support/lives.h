// Which random lives a simulation lives: WSD_SEED=<seed> that one, WSD_LIVES=<number> those from 1 on, else so many.

#pragma once

#include <cstdint>
#include <cstdlib>
#include <optional>

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

}  // namespace wsd::test
