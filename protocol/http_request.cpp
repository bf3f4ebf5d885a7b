#include "protocol/http_request.h"

#include <algorithm>

#include "protocol/assertion.h"
#include "protocol/http_syntax.h"

namespace wsd::protocol {
namespace {

// The target without scheme and authority, which a client that talks to a proxy writes (RFC 9112 §3.2.2).
std::string_view resource_of(std::string_view target) {
  if (target.starts_with('/')) return target;
  const std::size_t scheme_end = target.find("://");
  if (scheme_end == std::string_view::npos) return target;
  const std::size_t begin = target.find_first_of("/?", scheme_end + 3);
  return begin == std::string_view::npos ? std::string_view{} : target.substr(begin);
}

}  // namespace

const HttpRequest::Layout& HttpRequest::layout() const {
  WSD_ASSERT(!empty());
  return *reinterpret_cast<const Layout*>(block_.get());
}

const HttpRequest::Line* HttpRequest::lines() const {
  return reinterpret_cast<const Line*>(block_.get() + sizeof(Layout));
}

std::span<const std::byte> HttpRequest::raw() const {
  const auto* head = reinterpret_cast<const std::byte*>(lines() + layout().header_count);
  return {head, layout().head_size};
}

std::string_view HttpRequest::text() const {
  return {reinterpret_cast<const char*>(raw().data()), raw().size()};
}

std::string_view HttpRequest::request_line() const {
  return text().substr(0, text().find('\r'));
}

std::string_view HttpRequest::method() const {
  return request_line().substr(0, request_line().find(' '));
}

// Between the method and the version; it has no spaces in it.
std::string_view HttpRequest::target() const {
  const std::string_view line = request_line();
  const std::size_t begin = line.find(' ');
  return trim_whitespace(line.substr(begin, line.rfind(' ') - begin));
}

std::string_view HttpRequest::path() const {
  const std::string_view resource = resource_of(target());
  const std::string_view path = resource.substr(0, resource.find('?'));
  return path.empty() ? "/" : path;
}

std::string_view HttpRequest::query() const {
  const std::string_view resource = resource_of(target());
  const std::size_t mark = resource.find('?');
  return mark == std::string_view::npos ? std::string_view{} : resource.substr(mark + 1);
}

int HttpRequest::minor_version() const {
  return request_line().back() - '0';
}

std::string_view HttpRequest::line_at(std::size_t index) const {
  const std::size_t begin = lines()[index];
  return text().substr(begin, text().find('\r', begin) - begin);
}

HttpRequest::Header HttpRequest::header_at(std::size_t index) const {
  const std::string_view line = line_at(index);
  const std::size_t colon = line.find(':');
  return {line.substr(0, colon), trim_whitespace(line.substr(colon + 1))};
}

HttpRequest::Headers HttpRequest::headers() const {
  return Headers(*this);
}

std::size_t HttpRequest::Headers::size() const {
  return request_->layout().header_count;
}

// The first header of this name at `index` or behind it; their number if there is none.
std::size_t HttpRequest::find(std::string_view name, std::size_t index) const {
  const std::size_t count = layout().header_count;
  const auto is_match = [head = text(), name](Line line) {
    const std::string_view rest = head.substr(line);
    return rest.size() > name.size() && rest[name.size()] == ':' &&
           equal_ignoring_case(rest.substr(0, name.size()), name);
  };
  while (index < count && !is_match(lines()[index])) ++index;
  return index;
}

std::optional<std::string_view> HttpRequest::header(std::string_view name) const {
  const std::size_t index = find(name, 0);
  if (index == layout().header_count) return std::nullopt;
  return header_at(index).value;
}

std::size_t HttpRequest::count(std::string_view name) const {
  std::size_t count = 0;
  for (std::size_t i = find(name, 0); i < layout().header_count; i = find(name, i + 1)) ++count;
  return count;
}

bool HttpRequest::has_token(std::string_view name, std::string_view token) const {
  for (std::size_t i = find(name, 0); i < layout().header_count; i = find(name, i + 1)) {
    std::string_view list = header_at(i).value;
    for (auto element = take_list_element(list); !element.empty(); element = take_list_element(list)) {
      if (equal_ignoring_case(element, token)) return true;
    }
  }
  return false;
}

}  // namespace wsd::protocol
