#include "worker/address_quotas.h"

namespace wsd::worker {

std::optional<AddressKey> AddressQuotas::key_of(std::string_view address) const {
  if (tables_ == nullptr || proxies_->trust(address)) return std::nullopt;
  return tables_->key_of(address);  // nothing for a unix socket
}

AddressQuotas::Admission AddressQuotas::admit(std::string_view address, std::uint64_t now_ms) {
  const auto key = key_of(address);
  if (!key) return {};
  if (limits_.connections > 0 && tables_->connections(*key) >= limits_.connections) {
    return {.verdict = Verdict::too_many_connections};
  }
  if (limits_.handshakes > 0 &&
      !tables_->take(AddressTables::Rate::handshakes, *key, limits_.handshakes, in_ns(now_ms))) {
    return {.verdict = Verdict::too_many_handshakes};
  }
  return {.key = tables_->add(row_, *key) ? *key : 0};
}

AddressKey AddressQuotas::add(std::string_view address) {
  const auto key = key_of(address);
  return key && tables_->add(row_, *key) ? *key : 0;
}

void AddressQuotas::remove(AddressKey key) {
  if (key != 0) tables_->remove(row_, key);
}

}  // namespace wsd::worker
