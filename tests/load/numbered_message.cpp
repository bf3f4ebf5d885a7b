#include "tests/load/numbered_message.h"

#include <charconv>

namespace wsd::load {
namespace {

// Takes digits and the colon behind them.
std::optional<std::uint64_t> take_number(std::string_view& text) {
  std::uint64_t number = 0;
  const char* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc{} || rest == end || *rest != ':') return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(rest + 1 - text.data()));
  return number;
}

}  // namespace

std::string numbered_message(std::uint64_t connection, std::uint64_t number, std::size_t size) {
  std::string message = std::to_string(connection) + ":" + std::to_string(number) + ":";
  char letter = static_cast<char>('a' + number % 26);
  while (message.size() < size) {
    message.push_back(letter);
    letter = letter == 'z' ? 'a' : static_cast<char>(letter + 1);
  }
  return message;
}

std::optional<MessageName> name_of(std::string_view message) {
  const auto connection = take_number(message);
  if (!connection) return std::nullopt;
  const auto number = take_number(message);
  if (!number) return std::nullopt;
  return MessageName{*connection, *number};
}

}  // namespace wsd::load
