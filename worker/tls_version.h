// Which TLS library this program runs with.

#pragma once

#include <string>

namespace wsd::worker {

// "3.0.22"
[[nodiscard]] std::string tls_library_version();

}  // namespace wsd::worker
