// What TLS session tickets are sealed with, in the end (worker/tls_ticket_keys.h): made once in a server's life, and
// kept in the master's memory alone.

#pragma once

#include <string>

namespace wsd::master {

// 32 random bytes.
[[nodiscard]] std::string make_ticket_secret();

}  // namespace wsd::master
