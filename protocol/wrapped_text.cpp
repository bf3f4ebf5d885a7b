#include "protocol/wrapped_text.h"

#include <algorithm>

namespace wsd::protocol {

namespace {

void add_wrapped(std::string& result, std::string_view line, std::size_t columns) {
  std::size_t column = 0;
  while (!line.empty()) {
    const std::size_t end = std::min(line.find(' '), line.size());
    const std::string_view word = line.substr(0, end);
    line.remove_prefix(std::min(end + 1, line.size()));
    if (word.empty()) continue;
    const bool fits = column + 1 + word.size() <= columns;
    if (column > 0) result += fits ? ' ' : '\n';
    result += word;
    column = column > 0 && fits ? column + 1 + word.size() : word.size();
  }
}

}  // namespace

std::string wrapped(std::string_view text, std::size_t columns) {
  std::string result;
  while (true) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    add_wrapped(result, text.substr(0, end), columns);
    if (end == text.size()) return result;
    result += '\n';
    text.remove_prefix(end + 1);
  }
}

}  // namespace wsd::protocol
