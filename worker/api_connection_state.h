// What makes up a client of the HTTP API besides its socket, as a worker gives it to its successor: a tagged record, as
// with connection_state.h.

#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "protocol/record.h"

namespace wsd::worker {

struct ApiConnectionState {
  std::string remote_address;
  std::vector<std::byte> input;   // requests that are not answered yet, as far as they came
  std::vector<std::byte> output;  // not yet taken by the kernel
  bool ending = false;            // the output is the last

  bool operator==(const ApiConnectionState&) const = default;
};

inline constexpr std::uint16_t api_connection_record = 203;
[[nodiscard]] protocol::RecordWriter encode(const ApiConnectionState& state);
// Nothing if the record is of another type.
[[nodiscard]] std::optional<ApiConnectionState> decode_api_connection(std::span<const std::byte> record);

}  // namespace wsd::worker
