#include "worker/handshake_answer.h"

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>

#include "protocol/opening_handshake.h"
#include "protocol/printable_text.h"

namespace wsd::worker {

void HandshakeAnswer::refuse(std::uint16_t status, std::string_view body) {
  if (status < 300 || status > 599) {
    throw std::invalid_argument(fmt::format("a handshake is refused with a status from 300 to 599, not {}", status));
  }
  refused_with_ = status;
  refusal_body_ = body;
}

std::vector<std::string_view> HandshakeAnswer::offered_subprotocols() const {
  return protocol::offered_subprotocols(request_);
}

void HandshakeAnswer::select_subprotocol(std::string_view name) {
  const auto offered = offered_subprotocols();
  if (std::ranges::find(offered, name) == offered.end()) {
    throw std::invalid_argument(
        fmt::format("the client does not offer the subprotocol \"{}\"", protocol::printable(name)));
  }
  attributes_.set_subprotocol(name);
}

void HandshakeAnswer::select_by_default(std::string_view name) {
  if (name.empty() || !attributes_.subprotocol().empty()) return;
  const auto offered = offered_subprotocols();
  const auto choice = name == "*" ? offered.begin() : std::ranges::find(offered, name);
  if (choice != offered.end()) attributes_.set_subprotocol(*choice);
}

std::optional<protocol::HttpResponse> HandshakeAnswer::refusal() const {
  if (refused_with_ == 0) return std::nullopt;
  return protocol::HttpResponse{.status = refused_with_, .headers = headers_.headers(), .body = refusal_body_};
}

std::string HandshakeAnswer::switching_protocols(std::string_view extensions) const {
  return protocol::serialize_switching_protocols(request_, attributes_.subprotocol(), extensions, headers_.headers());
}

}  // namespace wsd::worker
