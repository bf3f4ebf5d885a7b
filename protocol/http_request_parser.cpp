#include "protocol/http_request_parser.h"

#include <algorithm>
#include <string>
#include <utility>

#include "protocol/assertion.h"
#include "protocol/http_head.h"
#include "protocol/http_syntax.h"

namespace wsd::protocol {
namespace {

// The first byte of a TLS record that carries a handshake (RFC 8446 §5.1).
constexpr char tls_handshake = 0x16;

// RFC 3986 §2: what else belongs into a URI is percent-encoded. A fragment never leaves the client (RFC 6455 §3).
bool is_target_character(char character) {
  return character > ' ' && character < 0x7F && character != '#';
}

bool is_http_version(std::string_view version) {
  const auto is_digit = [](char character) { return character >= '0' && character <= '9'; };
  return version.size() == 8 && version.starts_with("HTTP/") && is_digit(version[5]) && version[6] == '.' &&
         is_digit(version[7]);
}

}  // namespace

HttpRequestParser::HttpRequestParser(HttpLimits limits, HttpPurpose purpose) : limits_(limits), purpose_(purpose) {
  WSD_ASSERT(limits.max_head_size <= 0xFFFF);
}

HttpRequestParser::Step HttpRequestParser::next(std::span<const std::byte>& input) {
  WSD_ASSERT(state_ != State::done);
  const auto examined = input.first(std::min(input.size(), limits_.max_head_size - size_));
  const std::size_t used = scan(examined);
  if (state_ == State::failed) return fail(input);

  const auto arrived = input.first(used);
  input = input.subspan(used);
  if (state_ == State::done && carry_.empty()) return finish(arrived);
  carry_.insert(carry_.end(), arrived.begin(), arrived.end());
  if (state_ == State::done) return finish(carry_);
  if (size_ == limits_.max_head_size) {
    refuse(431, "The request's head is larger than " + std::to_string(limits_.max_head_size) + " bytes.");
    return fail(input);
  }
  return Step::need_more;
}

HttpRequestParser::Step HttpRequestParser::finish(std::span<const std::byte> head) {
  auto [request, refusal] = parse_head(head, header_count_);
  carry_ = std::vector<std::byte>();
  if (request.empty()) {
    refuse(400, "The request is not valid HTTP: " + std::string(refusal) + ".");
    return Step::failed;
  }
  request_ = std::move(request);
  return Step::complete;
}

HttpRequestParser::Step HttpRequestParser::fail(std::span<const std::byte>& input) {
  input = {};
  carry_ = std::vector<std::byte>();
  return Step::failed;
}

HttpRequest HttpRequestParser::take() {
  WSD_ASSERT(state_ == State::done && !request_.empty());
  return std::move(request_);
}

// Up to the blank line, or the first byte that does not belong.
std::size_t HttpRequestParser::scan(std::span<const std::byte> bytes) {
  std::size_t used = 0;
  while (used < bytes.size() && state_ != State::done && state_ != State::failed) {
    used += size_of_run(bytes.subspan(used));
    if (used < bytes.size()) state_ = after(static_cast<char>(bytes[used++]));
  }
  size_ += used;
  return used;
}

// Most bytes of a head leave the state as it is: of names and values so many as come in a row.
std::size_t HttpRequestParser::size_of_run(std::span<const std::byte> bytes) const {
  std::size_t size = 0;
  const auto next = [&] { return static_cast<char>(bytes[size]); };
  if (state_ == State::value) {
    while (size < bytes.size() && is_field_value_character(next())) ++size;
  } else if (state_ == State::name) {
    while (size < bytes.size() && is_token_character(next())) ++size;
  }
  return size;
}

HttpRequestParser::State HttpRequestParser::after(char character) {
  switch (state_) {
    case State::start:
      return after_start(character);
    case State::method:
      return after_method(character);
    case State::target_start:
      return after_target_start(character);
    case State::target:
      return after_target(character);
    case State::version:
      return after_version(character);
    case State::line_end:
      return character == '\n' ? State::header_start : refuse(400, "A line ends with CR alone, not with CR LF.");
    case State::header_start:
      return after_header_start(character);
    case State::name:
      return after_name(character);
    case State::value:
      return after_value(character);
    case State::head_end:
      return character == '\n' ? State::done : refuse(400, "The blank line ends with CR alone, not with CR LF.");
    case State::done:
    case State::failed:
      break;
  }
  return state_;
}

HttpRequestParser::State HttpRequestParser::after_start(char character) {
  if (character == tls_handshake) {
    const std::string scheme = purpose_ == HttpPurpose::websocket ? "ws" : "http";
    return refuse(400, "This looks like TLS, but this port speaks plain " + scheme + "://. Connect without TLS.");
  }
  if (is_token_character(character)) return State::method;
  return refuse(400, "This is not HTTP: a request begins with its method, as in \"GET / HTTP/1.1\".");
}

HttpRequestParser::State HttpRequestParser::after_method(char character) {
  if (is_token_character(character)) return State::method;
  if (character == ' ') return State::target_start;
  return refuse(400, "The request line has no method followed by one space.");
}

HttpRequestParser::State HttpRequestParser::after_target_start(char character) {
  return character == ' ' ? refuse(400, "The request line has no target behind its method and one space.")
                          : after_target(character);
}

HttpRequestParser::State HttpRequestParser::after_target(char character) {
  if (is_target_character(character)) return State::target;
  if (character == ' ') return State::version;
  if (character == '\r' || character == '\n') return refuse(400, "The request line has no HTTP version.");
  return refuse(400, "The request's target has a character that must be percent-encoded, or a fragment.");
}

HttpRequestParser::State HttpRequestParser::after_version(char character) {
  if (character == '\r') return after_version_end();
  if (character == '\n') return refuse_lone_lf();
  if (version_size_ == version_.size()) return refuse(400, "The request line does not end with an HTTP version.");
  version_[version_size_++] = character;
  return State::version;
}

HttpRequestParser::State HttpRequestParser::after_version_end() {
  const std::string_view version(version_.data(), version_size_);
  if (version == "HTTP/1.1") return State::line_end;
  if (version == "HTTP/1.0" && purpose_ == HttpPurpose::api) return State::line_end;
  return refuse_version(version);
}

HttpRequestParser::State HttpRequestParser::refuse_version(std::string_view version) {
  if (!is_http_version(version)) return refuse(400, "The request line does not end with an HTTP version.");
  if (purpose_ == HttpPurpose::api) return refuse(505, "HTTP/1.1 is spoken here.");
  if (version == "HTTP/2.0") {
    return refuse(505, "HTTP/2 is not spoken here: a WebSocket begins with an HTTP/1.1 request.");
  }
  return refuse(505, "A WebSocket begins with an HTTP/1.1 request.");
}

HttpRequestParser::State HttpRequestParser::after_header_start(char character) {
  if (character == '\r') return State::head_end;
  if (character == ' ' || character == '\t') return refuse(400, "A header line begins with whitespace.");
  if (!is_token_character(character)) return refuse(400, "A header line does not begin with a name.");
  if (header_count_ == limits_.max_headers) {
    return refuse(431, "The request has more than " + std::to_string(limits_.max_headers) + " headers.");
  }
  ++header_count_;
  return State::name;
}

HttpRequestParser::State HttpRequestParser::after_name(char character) {
  if (is_token_character(character)) return State::name;
  if (character == ':') return State::value;
  if (character == ' ' || character == '\t') return refuse(400, "There is whitespace before a header's colon.");
  return refuse(400, "A header line has no colon behind its name.");
}

HttpRequestParser::State HttpRequestParser::after_value(char character) {
  if (is_field_value_character(character)) return State::value;
  if (character == '\r') return State::line_end;
  if (character == '\n') return refuse_lone_lf();
  return refuse(400, "A header has a control character in its value.");
}

HttpRequestParser::State HttpRequestParser::refuse_lone_lf() {
  return refuse(400, "A line ends with LF alone, not with CR LF.");
}

HttpRequestParser::State HttpRequestParser::refuse(std::uint16_t status, std::string text) {
  error_ = {status, std::move(text), {}};
  state_ = State::failed;
  return state_;
}

}  // namespace wsd::protocol
