// What this process lets clients of one address have (address_tables.h), by the limits of its generation. Without
// limits per address it does nothing and costs nothing.
//
// Never counted: a proxy that is trusted to name its clients, and a unix socket, behind which everybody looks alike.
//
// Owned by the context of the connections. Two workers that accept at the same moment may both take the last place.

#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "protocol/trusted_proxies.h"
#include "worker/address_tables.h"
#include "worker/limits.h"

namespace wsd::worker {

class AddressQuotas {
 public:
  AddressQuotas() = default;  // no limits
  // `tables` and `proxies` outlive it; null where there are no limits.
  AddressQuotas(AddressTables* tables, std::size_t row, const AddressLimits& limits,
                const protocol::TrustedProxies& proxies)
      : tables_(limits.any() ? tables : nullptr), row_(row), limits_(limits), proxies_(&proxies) {}

  enum class Verdict : std::uint8_t { admitted, too_many_connections, too_many_handshakes };
  struct Admission {
    Verdict verdict = Verdict::admitted;
    AddressKey key = 0;  // for remove(); 0: it is not counted
  };
  // A new connection wants to come in. Counts it if it may.
  [[nodiscard]] Admission admit(std::string_view address, std::uint64_t now_ms);
  // One that has been let in before: by another process, for example.
  [[nodiscard]] AddressKey add(std::string_view address);
  void remove(AddressKey key);
  // One more message. False if that is too many.
  [[nodiscard]] bool take_message(AddressKey key, std::uint64_t now_ms) {
    return key == 0 || limits_.messages == 0 ||
           tables_->take(AddressTables::Rate::messages, key, limits_.messages, in_ns(now_ms));
  }

 private:
  [[nodiscard]] static std::uint64_t in_ns(std::uint64_t ms) { return ms * 1'000'000; }
  [[nodiscard]] std::optional<AddressKey> key_of(std::string_view address) const;

  AddressTables* tables_ = nullptr;
  std::size_t row_ = 0;
  AddressLimits limits_;
  const protocol::TrustedProxies* proxies_ = nullptr;
};

}  // namespace wsd::worker
