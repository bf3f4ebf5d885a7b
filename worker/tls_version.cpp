#include "worker/tls_version.h"

#include <openssl/crypto.h>

namespace wsd::worker {

std::string tls_library_version() {
  return OpenSSL_version(OPENSSL_VERSION_STRING);
}

}  // namespace wsd::worker
