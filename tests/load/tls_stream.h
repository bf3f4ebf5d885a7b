#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

struct ssl_st;

namespace wsd::load {

// TLS on a socket that somebody else owns. Believes any certificate: what is measured here is not whom one talks to.
class TlsStream {
 public:
  // Waits for the handshake. Null if that failed.
  [[nodiscard]] static std::unique_ptr<TlsStream> open(int socket);

  // As ClientSocket has them.
  [[nodiscard]] std::optional<std::size_t> send(std::string_view bytes) const;
  // Nothing when nothing is there; 0 at the end.
  [[nodiscard]] std::optional<std::size_t> receive(std::span<char> into) const;

 private:
  struct Deleter {
    void operator()(ssl_st* connection) const;
  };
  explicit TlsStream(ssl_st* connection) : connection_(connection) {}

  std::unique_ptr<ssl_st, Deleter> connection_;
};

}  // namespace wsd::load
