// Which connections `wsd connections` is about. All that is given must hold.

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "protocol/ip_address.h"
#include "protocol/record.h"
#include "worker/connection_row.h"

namespace wsd::worker {

struct ConnectionFilter {
  std::optional<std::uint32_t> slot;
  std::string remote;  // an address or a CIDR, or "unix:"; empty: everybody
  std::string path;    // what it begins with
  std::optional<ConnectionRow::State> state;
  std::uint64_t min_age_ms = 0;
  std::uint64_t min_idle_ms = 0;
  std::uint64_t min_queue = 0;  // bytes

  bool operator==(const ConnectionFilter&) const = default;
};

// Whether a filter's `remote` is one.
[[nodiscard]] bool is_remote_filter(std::string_view remote);

[[nodiscard]] protocol::RecordWriter encode(const ConnectionFilter& filter);
// What is no record of these filters nothing out.
[[nodiscard]] ConnectionFilter decode_filter(std::string_view record);

// A filter at work.
class ConnectionSieve {
 public:
  explicit ConnectionSieve(const ConnectionFilter& filter);

  [[nodiscard]] bool lets_through(const ConnectionRow& row) const;

 private:
  [[nodiscard]] bool is_remote(std::string_view remote) const;

  ConnectionFilter filter_;
  std::optional<protocol::IpNetwork> network_;
};

}  // namespace wsd::worker
