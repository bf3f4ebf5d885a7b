#include "worker/tls_ticket_keys.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>

#include <algorithm>
#include <cstring>

#include "protocol/out_of_memory.h"

namespace wsd::worker {

namespace {

template <typename Array>
const unsigned char* take(Array& target, const unsigned char* from) {
  std::copy_n(from, target.size(), target.begin());
  return from + target.size();
}

}  // namespace

const TlsTicketKey& TlsTicketKeys::current(std::uint64_t now_s) {
  turn_to(now_s / period_s);
  return current_;
}

const TlsTicketKey* TlsTicketKeys::find(const unsigned char* name, std::uint64_t now_s) {
  turn_to(now_s / period_s);
  for (const TlsTicketKey* key : {&current_, &previous_}) {
    if (std::memcmp(key->name.data(), name, key->name.size()) == 0) return key;
  }
  return nullptr;
}

void TlsTicketKeys::turn_to(std::uint64_t hour) {
  if (hour_ == hour) return;
  hour_ = hour;
  current_ = derive(hour);
  previous_ = derive(hour - 1);
}

// HKDF-SHA-256 (RFC 5869). Fails only where OpenSSL is broken or the machine is out of memory.
TlsTicketKey TlsTicketKeys::derive(std::uint64_t hour) const {
  std::string label = "wsd session ticket " + std::to_string(hour);
  std::string digest = "SHA256";
  std::string secret = secret_;
  const OSSL_PARAM parameters[] = {
      OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest.data(), 0),
      OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, secret.data(), secret.size()),
      OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, label.data(), label.size()),
      OSSL_PARAM_construct_end(),
  };
  EVP_KDF* const hkdf = EVP_KDF_fetch(nullptr, "HKDF", nullptr);
  EVP_KDF_CTX* const context = EVP_KDF_CTX_new(hkdf);
  std::array<unsigned char, sizeof(TlsTicketKey)> bytes{};
  if (EVP_KDF_derive(context, bytes.data(), bytes.size(), parameters) != 1) protocol::out_of_memory();
  EVP_KDF_CTX_free(context);
  EVP_KDF_free(hkdf);
  TlsTicketKey key{};
  take(key.authentication, take(key.encryption, take(key.name, bytes.data())));
  return key;
}

}  // namespace wsd::worker
