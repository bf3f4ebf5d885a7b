#include "worker/api_routes.h"

#include <algorithm>
#include <array>

namespace wsd::worker {

namespace {

struct ExactPath {
  std::string_view path;
  Endpoint endpoint;
};

constexpr std::array<ExactPath, 7> exact_paths{{
    {"/v1/publish", Endpoint::publish},
    {"/v1/send", Endpoint::send},
    {"/v1/close", Endpoint::close},
    {"/v1/channels", Endpoint::channels},
    {"/healthz", Endpoint::health},
    {"/readyz", Endpoint::readiness},
    {"/metrics", Endpoint::metrics},
}};

}  // namespace

std::optional<Route> route_of(std::string_view path) {
  const auto found = std::ranges::find(exact_paths, path, &ExactPath::path);
  if (found != exact_paths.end()) return Route{found->endpoint, {}};
  const auto named = [path](std::string_view prefix, Endpoint endpoint) -> std::optional<Route> {
    if (!path.starts_with(prefix) || path.size() == prefix.size()) return std::nullopt;
    return Route{endpoint, path.substr(prefix.size())};
  };
  const auto channel = named("/v1/channels/", Endpoint::channel);
  return channel ? channel : named("/v1/connections/", Endpoint::connection);
}

bool is_post(Endpoint endpoint) {
  return endpoint == Endpoint::publish || endpoint == Endpoint::send || endpoint == Endpoint::close;
}

bool is_open_to_all(Endpoint endpoint) {
  return endpoint == Endpoint::health || endpoint == Endpoint::readiness;
}

}  // namespace wsd::worker
