// The secret that the HTTP API's clients know, and how it is compared.
//
// The comparison takes the same time whatever the secret is and however much of it a guess has right: every guess is
// copied into a buffer of fixed size and all of that is compared, so what the time tells is the guess's own length.
// That needs no hash: a hash hides where two texts differ, and here every byte is looked at anyway.

#pragma once

#include <array>
#include <cstddef>
#include <string_view>

namespace wsd::worker {

class ApiToken {
 public:
  static constexpr std::size_t max_size = 512;

  // Of max_size at most (asserted: checked where the file is read). An empty one: there is none, and nothing matches.
  explicit ApiToken(std::string_view token);

  [[nodiscard]] bool is_set() const { return size_ > 0; }
  [[nodiscard]] bool matches(std::string_view guess) const;

 private:
  using Padded = std::array<unsigned char, max_size>;

  Padded bytes_{};
  std::size_t size_;
};

}  // namespace wsd::worker
