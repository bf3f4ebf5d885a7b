#include "master/tls_files.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>

#include "master/exit_status.h"
#include "master/small_file.h"
#include "worker/log.h"

namespace wsd::master {

namespace {

using worker::TlsFile;

// A bundle of authorities has some hundred KiB.
constexpr std::size_t max_size = 1024 * 1024;

[[noreturn]] void fail(const std::string& line) {
  throw CommandError(CommandStatus::usage, line);
}

// `what`: "the TLS key".
TlsFile read_file(const std::string& path, std::string_view what) {
  auto content = read_small_file(path, max_size);
  if (!content) fail(fmt::format("cannot read {} in {}: {}", what, path, content.error()));
  return {path, std::move(*content)};
}

TlsFile read_key(const std::string& path) {
  if (is_open_to_everybody(path)) {
    log::warning("the TLS key in {} is open to every user; `chmod o= {}` keeps it from them", path, path);
  }
  return read_file(path, "the TLS key");
}

bool listens_with_tls(const Options& options) {
  return std::ranges::any_of(*options.listen, [](const ListenUrl& url) { return url.scheme == Scheme::wss; });
}

}  // namespace

worker::TlsMaterial read_tls_files(const Options& options) {
  const std::vector<std::string>& certificates = *options.tls_cert;
  const std::vector<std::string>& keys = *options.tls_key;
  if (certificates.size() != keys.size()) {
    fail(fmt::format("there are {} of --tls-cert and {} of --tls-key: each certificate needs its key",
                     certificates.size(), keys.size()));
  }
  if (certificates.empty() && listens_with_tls(options)) {
    fail("a wss:// address needs a certificate: give --tls-cert FILE and --tls-key FILE");
  }
  if (!certificates.empty() && !listens_with_tls(options)) {
    log::warning("--tls-cert is of no use without an address like --listen wss://0.0.0.0:8443");
  }
  worker::TlsMaterial material;
  for (std::size_t i = 0; i < certificates.size(); ++i) {
    TlsFile certificate = read_file(certificates[i], "the TLS certificate");
    material.pairs.push_back({std::move(certificate), read_key(keys[i])});
  }
  if (options.tls_client_ca.given()) {
    material.client_ca = read_file(*options.tls_client_ca, "the authorities of clients");
  }
  return material;
}

}  // namespace wsd::master
