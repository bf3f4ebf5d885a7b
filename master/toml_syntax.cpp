#include "master/toml_syntax.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace wsd::master {

namespace {

constexpr std::string_view bare_letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-";
constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";

bool is_ascii(char character) {
  return static_cast<unsigned char>(character) < 0x80;
}

// Goes over a text as far as it is TOML; behind the first mistake nothing counts.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : rest_(text) {
    if (rest_.starts_with(byte_order_mark)) rest_.remove_prefix(byte_order_mark.size());
  }

  std::optional<unsigned> line_of_stray_character() {
    while (!rest_.empty() && !stray_) {
      const char character = rest_.front();
      if (!is_ascii(character)) return line_;
      if (character == '#') {
        skip_to("\n");
      } else if (character == '"' || character == '\'') {
        skip_string(character);
      } else {
        skip(1);
      }
    }
    return stray_;
  }

 private:
  void skip(std::size_t size) {
    size = std::min(size, rest_.size());
    line_ += static_cast<unsigned>(std::ranges::count(rest_.substr(0, size), '\n'));
    rest_.remove_prefix(size);
  }
  void skip_to(std::string_view end) { skip(rest_.find(end)); }

  void skip_string(char quote) {
    const std::array<char, 3> quotes{quote, quote, quote};
    const std::string_view three(quotes.data(), quotes.size());
    const bool is_long = rest_.starts_with(three);
    skip(is_long ? 3 : 1);
    const std::string_view end = is_long ? three : three.substr(0, 1);
    while (!rest_.empty() && !rest_.starts_with(end) && !stray_) {
      if (rest_.front() == '\n' && !is_long) return;
      quote == '"' && rest_.front() == '\\' ? skip_escape() : skip(1);
    }
    skip(end.size());
    // Two quotes more belong to what is inside.
    for (int more = 0; is_long && more < 2 && rest_.starts_with(quote); ++more) skip(1);
  }

  void skip_escape() {
    skip(1);
    const bool joins_lines =
        !rest_.empty() && std::string_view(" \t\r\n").find(rest_.front()) != std::string_view::npos;
    if (!joins_lines) return skip(1);
    skip(rest_.find_first_not_of(" \t\r\n"));
    if (!rest_.empty() && !is_ascii(rest_.front())) stray_ = line_;
  }

  std::string_view rest_;
  unsigned line_ = 1;
  std::optional<unsigned> stray_;
};

bool begins_an_unnamed_table(std::string_view line) {
  const std::size_t bracket = line.find_first_not_of(" \t");
  if (bracket == std::string_view::npos || line[bracket] != '[') return false;
  const std::size_t name = line.find_first_not_of(" \t[", bracket);
  const auto brackets = std::ranges::count(line.substr(0, name), '[');
  const bool is_named = name != std::string_view::npos && (bare_letters.find(line[name]) != std::string_view::npos ||
                                                           line[name] == '"' || line[name] == '\'');
  return !is_named || brackets > 2;
}

}  // namespace

std::string toml_text(std::string_view text) {
  std::string result = "\"";
  for (const char character : text) {
    if (character == '"' || character == '\\') {
      result += '\\';
      result += character;
    } else if (static_cast<unsigned char>(character) < 0x20 || character == 0x7F) {
      result += fmt::format("\\u{:04X}", static_cast<unsigned char>(character));
    } else {
      result += character;
    }
  }
  return result + '"';
}

std::string toml_key(std::string_view key) {
  const bool is_bare = !key.empty() && key.find_first_not_of(bare_letters) == std::string_view::npos;
  return is_bare ? std::string(key) : toml_text(key);
}

std::optional<unsigned> line_of_stray_character(std::string_view text) {
  return Scanner(text).line_of_stray_character();
}

unsigned line_of_unnamed_table(std::string_view text) {
  for (unsigned line = 1;; ++line) {
    const std::string_view words = text.substr(0, text.find('\n'));
    if (begins_an_unnamed_table(words)) return line;
    if (words.size() == text.size()) return 1;
    text.remove_prefix(words.size() + 1);
  }
}

}  // namespace wsd::master
