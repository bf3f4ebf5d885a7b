// What TLS is served with: the bytes of certificates and keys as the master read them, whose files may be root's alone.
//
// Nothing here is parsed; that is done, and judged, by the worker that is to serve with it (tls_certificate.h).

#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace wsd::worker {

struct TlsFile {
  std::string path;  // as errors name it
  std::string content;
  bool operator==(const TlsFile&) const = default;
};

struct TlsKeyPair {
  TlsFile certificate;  // the server's own first, then those of its issuers; PEM
  TlsFile key;
  bool operator==(const TlsKeyPair&) const = default;
};

struct TlsMaterial {
  std::vector<TlsKeyPair> pairs;  // the first serves clients that name no other's host
  TlsFile client_ca;              // of certificates that clients must have; no path: they need none
  std::string ticket_secret;      // of the server's life: session tickets are sealed with keys derived from it
  bool operator==(const TlsMaterial&) const = default;
};

}  // namespace wsd::worker
