#include "tests/load/channel_message.h"

#include <charconv>
#include <string>

namespace wsd::load {
namespace {

constexpr std::size_t letters = 26;

char letter(std::uint64_t place) {
  return static_cast<char>('a' + place % letters);
}

// As much of the alphabet, over and over, as a message may need.
std::string_view filling(std::uint64_t number, std::size_t size) {
  static std::string text;
  while (text.size() < size + letters) text.push_back(letter(text.size()));
  return std::string_view(text).substr(number % letters, size);
}

template <typename Number>
bool take_number(std::string_view& text, Number& number) {
  const char* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc{} || rest == end || *rest != ':') return false;
  text.remove_prefix(static_cast<std::size_t>(rest + 1 - text.data()));
  return true;
}

}  // namespace

std::string to_text(const ChannelMessage& message) {
  std::string text = "\"" + std::to_string(message.publisher) + ":" + std::to_string(message.number) + ":" +
                     std::to_string(message.sent_at.time_since_epoch().count()) + ":";
  if (text.size() + 1 < message.size) text += filling(message.number, message.size - text.size() - 1);
  return text + '"';
}

std::optional<ChannelMessage> take_message(std::string_view& text) {
  if (!text.starts_with('"')) return std::nullopt;
  const auto end = text.find('"', 1);
  if (end == std::string_view::npos) return std::nullopt;
  ChannelMessage message;
  message.size = end + 1;
  std::string_view rest = text.substr(1, end - 1);
  Clock::rep sent_at = 0;
  if (!take_number(rest, message.publisher) || !take_number(rest, message.number) || !take_number(rest, sent_at)) {
    return std::nullopt;
  }
  if (rest != filling(message.number, rest.size())) return std::nullopt;
  message.sent_at = Clock::time_point(Clock::duration(sent_at));
  text.remove_prefix(message.size);
  return message;
}

}  // namespace wsd::load
