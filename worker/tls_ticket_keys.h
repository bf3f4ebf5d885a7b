// The keys that session tickets are sealed with: derived from the server's secret and the hour, so that every worker
// has the same ones, also after a reload, and they change without anybody being told (docs/tls.md).
//
// Tickets of this hour and of the one before are good.

#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>

namespace wsd::worker {

struct TlsTicketKey {
  std::array<unsigned char, 16> name;            // in the ticket, in clear: which key it is
  std::array<unsigned char, 32> encryption;      // AES-256-CBC
  std::array<unsigned char, 32> authentication;  // HMAC-SHA-256
};

class TlsTicketKeys {
 public:
  explicit TlsTicketKeys(std::string secret) : secret_(std::move(secret)) {}

  // `now_s`: of the epoch. References hold until the next call.
  [[nodiscard]] const TlsTicketKey& current(std::uint64_t now_s);
  // The key of this name, if tickets that it sealed are still good.
  [[nodiscard]] const TlsTicketKey* find(const unsigned char* name, std::uint64_t now_s);

  static constexpr std::uint64_t period_s = 3600;

 private:
  void turn_to(std::uint64_t hour);
  [[nodiscard]] TlsTicketKey derive(std::uint64_t hour) const;

  std::string secret_;
  std::optional<std::uint64_t> hour_;
  TlsTicketKey current_{};
  TlsTicketKey previous_{};
};

}  // namespace wsd::worker
