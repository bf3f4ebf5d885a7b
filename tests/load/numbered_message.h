#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace wsd::load {

// A message that no other equals: "CONNECTION:NUMBER:" and a filling that depends on the number.
[[nodiscard]] std::string numbered_message(std::uint64_t connection, std::uint64_t number, std::size_t size);

struct MessageName {
  std::uint64_t connection = 0;
  std::uint64_t number = 0;
};
// Which message begins like this. Nothing if none does.
[[nodiscard]] std::optional<MessageName> name_of(std::string_view message);

}  // namespace wsd::load
