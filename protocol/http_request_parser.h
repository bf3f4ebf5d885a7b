// Reads one HTTP request head from bytes that arrive in any pieces.
//
// Stricter than HTTP's own "be lenient": whatever two programs could read differently is refused here (lone CR or LF,
// folded lines, a space before the colon, control characters), by a scanner that sees each byte once; what passes goes
// through llhttp. Takes nothing behind the blank line, neither a body nor frames. Knows no clock: the 408 is the
// caller's.
//
// Owned by a connection until the head is there. Before the first byte and after the last it owns no heap memory.

#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/http_error.h"
#include "protocol/http_request.h"

namespace wsd::protocol {

// What a port is there for: which versions it speaks, and what its refusals tell.
enum class HttpPurpose : std::uint8_t {
  websocket,  // HTTP/1.1
  api,        // HTTP/1.0 too, for the sake of small clients
};

struct HttpLimits {
  static constexpr std::size_t largest_head_size = 65'535;  // that max_head_size may be
  std::size_t max_head_size = 16 * 1024;                    // request line, headers and blank line
  std::size_t max_headers = 100;
};

class HttpRequestParser {
 public:
  enum class Step : std::uint8_t {
    need_more,  // `input` is used up
    complete,   // see take(); `input` begins with what came behind the blank line
    failed,     // final; see error()
  };

  explicit HttpRequestParser(HttpLimits limits = {}, HttpPurpose purpose = HttpPurpose::websocket);

  // Consumes from the front of `input`. Not to be called again after Step::complete.
  [[nodiscard]] Step next(std::span<const std::byte>& input);

  // After Step::complete, once.
  [[nodiscard]] HttpRequest take();
  // After Step::failed.
  [[nodiscard]] const HttpError& error() const { return error_; }

  // What has arrived of an unfinished head: fed to another parser, it brings that one to where this one stands.
  [[nodiscard]] std::span<const std::byte> unfinished_input() const { return carry_; }
  // Whether the request has begun to arrive.
  [[nodiscard]] bool started() const { return size_ != 0; }

 private:
  // What the next byte belongs to.
  enum class State : std::uint8_t {
    start,         // the method's first byte
    method,        // the rest of it, to the space
    target_start,  // the target's first byte
    target,        // the rest of it, to the space
    version,       // "HTTP/1.1", to the CR
    line_end,      // LF
    header_start,  // a header's name, or the CR of the blank line
    name,          // the rest of it, to the colon
    value,         // to the CR
    head_end,      // the LF of the blank line
    done,
    failed,
  };

  std::size_t scan(std::span<const std::byte> bytes);
  [[nodiscard]] std::size_t size_of_run(std::span<const std::byte> bytes) const;
  State after(char character);
  State after_start(char character);
  State after_method(char character);
  State after_target_start(char character);
  State after_target(char character);
  State after_version(char character);
  State after_version_end();
  State refuse_version(std::string_view version);
  State after_header_start(char character);
  State after_name(char character);
  State after_value(char character);
  State refuse_lone_lf();
  State refuse(std::uint16_t status, std::string text);
  Step finish(std::span<const std::byte> head);
  Step fail(std::span<const std::byte>& input);

  HttpLimits limits_;
  HttpPurpose purpose_;
  State state_ = State::start;
  std::uint8_t version_size_ = 0;
  std::array<char, 8> version_{};
  std::uint16_t header_count_ = 0;
  std::size_t size_ = 0;          // bytes scanned
  std::vector<std::byte> carry_;  // what has arrived, if that was not the whole head at once
  HttpRequest request_;
  HttpError error_;
};

}  // namespace wsd::protocol
