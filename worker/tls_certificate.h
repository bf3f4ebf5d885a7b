// A certificate with its chain and its key, read from PEM and judged: is it what a server can show its clients?
//
// What makes it useless is a TlsError that names the file; what will make trouble later is a warning.

#pragma once

#include <cstdint>
#include <ctime>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "worker/tls_material.h"
#include "worker/tls_pointers.h"

namespace wsd::worker {

// what() is one sentence that names the file.
class TlsError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

class TlsCertificate {
 public:
  enum class Judgement : std::uint8_t {
    strict,   // a certificate out of its time is refused: a start or a reload has something better
    lenient,  // it is warned of: clients that go on all the same are better than none at all
  };

  // `now`: of the epoch. Throws TlsError.
  TlsCertificate(const TlsKeyPair& pair, Judgement judgement, std::time_t now);

  // The host is one of its names.
  [[nodiscard]] bool is_for(std::string_view host) const;
  // It has all names of the other, as they are written.
  [[nodiscard]] bool has_names_of(const TlsCertificate& other) const;
  // RSA, ECDSA and so on, as OpenSSL numbers them: of each kind a connection may have one certificate to choose from.
  [[nodiscard]] int kind_of_key() const;
  [[nodiscard]] const std::vector<std::string>& warnings() const { return warnings_; }

  // Views of what this owns.
  [[nodiscard]] x509_st* certificate() const { return chain_.front().get(); }
  [[nodiscard]] const std::vector<TlsPointer<x509_st>>& chain() const { return chain_; }  // begins with certificate()
  [[nodiscard]] evp_pkey_st* key() const { return key_.get(); }

 private:
  void judge_dates(const std::string& path, Judgement judgement, std::time_t now);
  void judge_chain(const std::string& path);

  std::vector<TlsPointer<x509_st>> chain_;
  TlsPointer<evp_pkey_st> key_;
  std::vector<std::string> names_;
  std::vector<std::string> warnings_;
};

// All certificates of a PEM text, in order.
[[nodiscard]] std::vector<TlsPointer<x509_st>> read_certificates(std::string_view pem);

// What OpenSSL says of the last thing that failed, in its words; clears that.
[[nodiscard]] std::string tls_library_error();

}  // namespace wsd::worker
