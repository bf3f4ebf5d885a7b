// Owners of OpenSSL's objects, for headers that keep OpenSSL itself out of sight.

#pragma once

#include <memory>

struct bio_st;
struct evp_pkey_st;
struct ssl_ctx_st;
struct ssl_st;
struct x509_st;
struct x509_store_st;

namespace wsd::worker {

struct TlsDeleter {
  void operator()(bio_st* bio) const;
  void operator()(evp_pkey_st* key) const;
  void operator()(ssl_ctx_st* context) const;
  void operator()(ssl_st* connection) const;
  void operator()(x509_st* certificate) const;
  void operator()(x509_store_st* store) const;
};

template <typename T>
using TlsPointer = std::unique_ptr<T, TlsDeleter>;

}  // namespace wsd::worker
