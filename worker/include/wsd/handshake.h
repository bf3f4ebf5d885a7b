// What App::on_handshake may say to a client that wants to connect.

#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace wsd {

// Owned by the server; lives as long as the callback. Saying nothing accepts the client. The answer is sent when the
// callback returns; if it throws, that is a 500 and a line in the log.
class Handshake {
 public:
  // Answers with this instead of opening the WebSocket: a status from 300 to 599 and a text for the person who reads it
  // (add_header("Content-Type", …) if it is no plain text). Returns at once; said twice, the last one counts. Throws
  // std::invalid_argument for another status. Workerman: $connection->close("HTTP/1.1 403 …") in onWebSocketConnect.
  virtual void refuse(std::uint16_t status, std::string_view body = {}) = 0;

  // What the client offers in Sec-WebSocket-Protocol, in its order of preference. The views live as long as the
  // callback.
  [[nodiscard]] virtual std::vector<std::string_view> offered_subprotocols() const = 0;
  // Chooses one of them; the connection's subprotocol() tells it ever after. Without a choice the connection has none.
  // Throws std::invalid_argument for one that was not offered, since clients must refuse such an answer (RFC 6455
  // §4.1). Workerman: $connection->headers[] = 'Sec-WebSocket-Protocol: …'.
  virtual void select_subprotocol(std::string_view name) = 0;

  // Adds a header to the answer, be it a 101 or a refusal: "Set-Cookie", "WWW-Authenticate". Throws
  // std::invalid_argument for what is no header (a line end could smuggle in others) and for those that the server
  // writes: Connection, Upgrade, Content-Length, Transfer-Encoding, Sec-WebSocket-*. Workerman: $connection->headers.
  virtual void add_header(std::string_view name, std::string_view value) = 0;

  // An attribute of the connection to come (see Connection::set): who this is, say, for on_open to know.
  virtual void set(std::string_view name, std::string_view value) = 0;

 protected:
  Handshake() = default;
  ~Handshake() = default;
  Handshake(const Handshake&) = delete;
  Handshake(Handshake&&) = delete;
  Handshake& operator=(const Handshake&) = delete;
  Handshake& operator=(Handshake&&) = delete;
};

}  // namespace wsd
