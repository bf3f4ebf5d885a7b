#include "worker/tls_failures.h"

#include <fmt/format.h>

#include <utility>

namespace wsd::worker {

std::optional<std::string> TlsFailures::note(std::string_view kind, std::string_view client, Clock::time_point now) {
  auto found = kinds_.find(kind);
  if (found == kinds_.end()) found = kinds_.emplace(std::string(kind), Kind()).first;
  Kind& entry = found->second;
  if (entry.told && now - *entry.told < interval) {
    ++entry.untold;
    return std::nullopt;
  }
  entry.told = now;
  std::string line = fmt::format("TLS handshake with {} failed: {}", client, kind);
  if (entry.untold > 0) line += fmt::format(" ({} more like it since the last line)", std::exchange(entry.untold, 0));
  return line;
}

}  // namespace wsd::worker
