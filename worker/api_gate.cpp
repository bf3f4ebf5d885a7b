#include "worker/api_gate.h"

#include <arpa/inet.h>

#include <array>
#include <string>

#include "protocol/http_syntax.h"
#include "worker/api_answers.h"

namespace wsd::worker {

using protocol::HttpRequest;
using protocol::HttpResponse;

namespace {

// RFC 6750 §2.1.
std::string_view bearer_token(const HttpRequest& head) {
  constexpr std::string_view scheme = "Bearer ";
  const std::string_view credentials = head.header("Authorization").value_or("");
  const bool is_bearer =
      head.count("Authorization") == 1 && protocol::equal_ignoring_case(credentials.substr(0, scheme.size()), scheme);
  return is_bearer ? protocol::trim_whitespace(credentials.substr(scheme.size())) : std::string_view();
}

bool is_ip_address(std::string_view text) {
  std::array<unsigned char, sizeof(in6_addr)> address{};
  const std::string terminated(text);
  return inet_pton(AF_INET, terminated.c_str(), address.data()) == 1 ||
         inet_pton(AF_INET6, terminated.c_str(), address.data()) == 1;
}

// Whether a Host names this machine in a way that nobody else can make mean it: by address, or as localhost.
bool is_local_host(std::string_view host) {
  if (host.starts_with('[')) {
    const std::size_t end = host.find(']');
    return end != std::string_view::npos && is_ip_address(host.substr(1, end - 1));
  }
  const std::string_view name = host.substr(0, host.rfind(':'));
  return name.empty() || protocol::equal_ignoring_case(name, "localhost") || is_ip_address(name);
}

}  // namespace

// Without a token, what keeps web pages out is that their requests look like theirs.
std::optional<HttpResponse> ApiGate::refuse(const HttpRequest& head) const {
  if (token_.is_set()) {
    if (token_.matches(bearer_token(head))) return std::nullopt;
    HttpResponse response = api::error(401, "unauthorized", "Send the API's token: Authorization: Bearer TOKEN.");
    response.headers.push_back({"WWW-Authenticate", "Bearer"});
    return response;
  }
  if (head.header("Origin")) {
    return api::error(403, "forbidden", "Requests of web pages (Origin) are answered only with a token.");
  }
  if (!is_local_host(head.header("Host").value_or(""))) {
    return api::error(
        403, "forbidden",
        "Without a token this API is asked by address or as localhost: the Host header has another name.");
  }
  return std::nullopt;
}

}  // namespace wsd::worker
