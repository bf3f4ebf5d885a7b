#include "protocol/percent_encoding.h"

#include <algorithm>

namespace wsd::protocol {

namespace {

// 0 to 15, or more for what is no digit.
unsigned hexadecimal_value(char digit) {
  if (digit >= '0' && digit <= '9') return static_cast<unsigned>(digit - '0');
  if (digit >= 'a' && digit <= 'f') return static_cast<unsigned>(digit - 'a' + 10);
  if (digit >= 'A' && digit <= 'F') return static_cast<unsigned>(digit - 'A' + 10);
  return 16;
}

std::optional<std::string> decode_form(std::string_view text) {
  std::string spaced(text);
  std::ranges::replace(spaced, '+', ' ');
  return decode_percent(spaced);
}

}  // namespace

std::optional<std::string> decode_percent(std::string_view text) {
  std::string decoded;
  decoded.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      decoded += text[i];
      continue;
    }
    if (text.size() - i < 3) return std::nullopt;
    const unsigned high = hexadecimal_value(text[++i]);
    const unsigned low = hexadecimal_value(text[++i]);
    if (high > 15 || low > 15) return std::nullopt;
    decoded += static_cast<char>(static_cast<unsigned char>(high << 4U | low));
  }
  return decoded;
}

std::optional<std::vector<QueryParameter>> parse_query(std::string_view query) {
  std::vector<QueryParameter> parameters;
  while (!query.empty()) {
    const std::string_view pair = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(pair.size() + 1, query.size()));
    if (pair.empty()) continue;
    const std::size_t equals = std::min(pair.find('='), pair.size());
    const auto name = decode_form(pair.substr(0, equals));
    const auto value = decode_form(pair.substr(std::min(equals + 1, pair.size())));
    if (!name || !value) return std::nullopt;
    parameters.push_back({*name, *value});
  }
  return parameters;
}

}  // namespace wsd::protocol
