#include "worker/api_token.h"

#include <algorithm>

#include "protocol/assertion.h"

namespace wsd::worker {

ApiToken::ApiToken(std::string_view token) : size_(token.size()) {
  WSD_ASSERT(token.size() <= max_size);
  std::ranges::copy(token, bytes_.begin());
}

bool ApiToken::matches(std::string_view guess) const {
  Padded padded{};
  std::ranges::copy(guess.substr(0, max_size), padded.begin());
  // Volatile, or a compiler might see that the answer is known at the first difference.
  volatile std::size_t difference = guess.size() ^ size_;
  for (std::size_t i = 0; i < max_size; ++i) difference = difference | static_cast<std::size_t>(padded[i] ^ bytes_[i]);
  return difference == 0 && is_set();
}

}  // namespace wsd::worker
