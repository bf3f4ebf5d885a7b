// A client's HTTP request head, whole and checked for syntax. Says nothing about what the request is good for
// (opening_handshake.h) and has no body.
//
// It owns one heap block of exact size, since every open connection keeps its request: 4 bytes, 2 for each header, and
// the head itself. Views that accessors return live as long as the request, and survive its move.
// Made by HttpRequestParser. A moved-from or default-made one is empty; only empty() may be asked of it.

#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <utility>

namespace wsd::protocol {

class HttpRequest {
 public:
  struct Header {
    std::string_view name;   // as the client wrote it
    std::string_view value;  // without the whitespace around it
  };
  class Headers;

  HttpRequest() = default;

  [[nodiscard]] bool empty() const { return block_ == nullptr; }

  [[nodiscard]] std::string_view method() const;
  // As in the request line: usually a path with a query, "/chat?room=1"; a proxy may write "http://host/chat?room=1".
  [[nodiscard]] std::string_view target() const;
  // The target's path, at least "/", not decoded; the query after the "?", or nothing.
  [[nodiscard]] std::string_view path() const;
  [[nodiscard]] std::string_view query() const;
  // HTTP/1.x.
  [[nodiscard]] int minor_version() const;

  // The first header of this name, in any case.
  [[nodiscard]] std::optional<std::string_view> header(std::string_view name) const;
  // All of them, in their order.
  [[nodiscard]] Headers headers() const;
  [[nodiscard]] std::size_t count(std::string_view name) const;
  // Whether a comma-separated list, spread over any number of headers of this name, has the token, in any case.
  [[nodiscard]] bool has_token(std::string_view name, std::string_view token) const;

  // The head as it came, up to and with its blank line: another HttpRequestParser makes the same request of it.
  [[nodiscard]] std::span<const std::byte> raw() const;

 private:
  friend class HttpRequestBuilder;  // in http_head.cpp

  struct Layout {
    std::uint16_t head_size;
    std::uint16_t header_count;
  };
  // Where a header's line begins in the head. The rest is found out when somebody asks, which is seldom.
  using Line = std::uint16_t;

  explicit HttpRequest(std::unique_ptr<std::byte[]> block) : block_(std::move(block)) {}

  const Layout& layout() const;
  const Line* lines() const;
  std::string_view text() const;
  std::string_view request_line() const;
  std::string_view line_at(std::size_t index) const;
  Header header_at(std::size_t index) const;
  std::size_t find(std::string_view name, std::size_t index) const;

  // A Layout, its Lines, then the head's bytes.
  std::unique_ptr<std::byte[]> block_;
};

// A range of Header values, for range-based for.
class HttpRequest::Headers {
 public:
  class Iterator {
   public:
    Iterator(const HttpRequest& request, std::size_t index) : request_(&request), index_(index) {}
    Header operator*() const { return request_->header_at(index_); }
    Iterator& operator++() {
      ++index_;
      return *this;
    }
    bool operator==(const Iterator&) const = default;

   private:
    const HttpRequest* request_;
    std::size_t index_;
  };

  explicit Headers(const HttpRequest& request) : request_(&request) {}
  [[nodiscard]] Iterator begin() const { return {*request_, 0}; }
  [[nodiscard]] Iterator end() const { return {*request_, size()}; }
  [[nodiscard]] std::size_t size() const;

 private:
  const HttpRequest* request_;
};

}  // namespace wsd::protocol
