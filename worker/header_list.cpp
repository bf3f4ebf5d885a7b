#include "worker/header_list.h"

#include <fmt/format.h>

#include <array>
#include <stdexcept>
#include <string>

#include "protocol/http_syntax.h"
#include "protocol/printable_text.h"

namespace wsd::worker {

namespace {

bool is_written_by_the_server(std::string_view name) {
  constexpr std::array<std::string_view, 4> names{"Connection", "Upgrade", "Content-Length", "Transfer-Encoding"};
  constexpr std::string_view prefix = "Sec-WebSocket-";
  for (const std::string_view own : names) {
    if (protocol::equal_ignoring_case(name, own)) return true;
  }
  return protocol::equal_ignoring_case(name.substr(0, prefix.size()), prefix);
}

}  // namespace

void HeaderList::add(std::string_view name, std::string_view value) {
  if (!protocol::is_token(name))
    throw std::invalid_argument(fmt::format("\"{}\" is no header's name", protocol::printable(name)));
  if (!protocol::is_field_value(value)) {
    throw std::invalid_argument(
        fmt::format("\"{}\" cannot be the value of the header {}", protocol::printable(value), name));
  }
  if (is_written_by_the_server(name)) {
    throw std::invalid_argument(fmt::format("the header {} is written by the server", name));
  }
  size_ += name.size() + value.size();
  if (size_ > max_size) throw std::length_error("the headers of an answer may have 16 KiB together");
  headers_.push_back({std::string(name), std::string(value)});
}

}  // namespace wsd::worker
