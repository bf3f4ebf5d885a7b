// The files of --tls-cert, --tls-key and --tls-client-ca, read as they are. What is in them the workers judge, before
// anything is replaced (worker/tls_certificate.h).

#pragma once

#include "master/options.h"
#include "worker/tls_material.h"

namespace wsd::master {

// Throws CommandError(usage) for a file that cannot be read, a certificate without a key, and a wss:// address without
// a certificate.
[[nodiscard]] worker::TlsMaterial read_tls_files(const Options& options);

}  // namespace wsd::master
