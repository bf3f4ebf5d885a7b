// Which web pages may open a WebSocket here: the rules of --allow-origin, asked about the Origin that a browser sends
// (RFC 6454, RFC 6455 §10.2).
//
// A browser lets any page connect to any server and sends the user's cookies along. The Origin, which no page can
// forge, is all that a server has against one that does so behind the user's back (cross-site WebSocket hijacking). A
// program that is no browser writes there what it likes: this is no access control for programs.
//
// What is no origin as RFC 6454 §6.2 writes it (a path, a user's name, two origins) matches no rule.

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/http_error.h"
#include "protocol/http_request.h"

namespace wsd::protocol {

class OriginRules {
 public:
  // One more of:
  //   https://chat.example.com   that scheme, host and port; no port means the scheme's own
  //   https://*.example.com      every host below example.com, at any depth, but not example.com itself
  //   *://example.com            that host with any scheme, on the port that is the scheme's own
  //   null                       pages that have no origin of their own: sandboxed frames, files
  //   absent                     requests without an Origin: of programs that are no browsers
  // Says what is wrong with it, or nothing.
  [[nodiscard]] std::optional<std::string> add(std::string_view rule);

  // Nothing: it may open a WebSocket, as everybody may where there are no rules. Otherwise what to answer instead.
  [[nodiscard]] std::optional<HttpError> check(const HttpRequest& request) const;

 private:
  struct Origin {
    std::string scheme;  // in lower case, as the host
    std::string host;
    std::optional<std::uint16_t> port;  // unless it is left out, or the scheme's own
  };
  struct Rule {
    Origin origin;  // a host of "*.example.com" stays without its "*"
    bool any_scheme = false;
    bool hosts_below = false;

    [[nodiscard]] bool matches(const Origin& candidate) const;
  };

  [[nodiscard]] static std::optional<Origin> parse(std::string_view text);
  [[nodiscard]] bool allow(std::string_view origin) const;

  std::vector<Rule> rules_;
  bool null_ = false;
  bool absent_ = false;
};

}  // namespace wsd::protocol
