// The proxies that are believed when they say whom they speak for (--trusted-proxy), and whom a request comes from.
//
// Everybody can write X-Forwarded-For. Each proxy adds at its end the peer that it has seen itself, so what trusted
// proxies have written is a piece at the right, and the last word of it names the client.

#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/http_request.h"
#include "protocol/ip_address.h"

namespace wsd::protocol {

class TrustedProxies {
 public:
  // How a peer is called that came over a unix socket: it has no address.
  static constexpr std::string_view unix_peer = "unix:";

  // One more: "10.0.0.0/8", "2001:db8::1", or "unix:" for whoever may open our unix sockets. Says what is wrong with
  // it, or nothing.
  [[nodiscard]] std::optional<std::string> add(std::string_view text);

  // `peer`: an address, or unix_peer.
  [[nodiscard]] bool trust(std::string_view peer) const;

  // The address of the client that `peer` speaks for in this request; `peer` itself if it is not trusted, or says
  // nothing that is an address. X-Forwarded-For goes before X-Real-IP.
  [[nodiscard]] std::string client_of(std::string_view peer, const HttpRequest& request) const;

 private:
  [[nodiscard]] bool trust(const IpAddress& address) const;
  [[nodiscard]] std::string walk(std::string_view peer, const HttpRequest& request) const;

  std::vector<IpNetwork> networks_;
  bool unix_ = false;
};

}  // namespace wsd::protocol
