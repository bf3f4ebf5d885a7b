// A socket address as people write it, without its port: "192.0.2.7", "2001:db8::1", "unix:".

#pragma once

#include <sys/socket.h>

#include <string>

namespace wsd::worker {

// Empty for a family that has no such text.
[[nodiscard]] std::string address_text(const sockaddr_storage& address);

}  // namespace wsd::worker
