#include "worker/address_text.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <array>

namespace wsd::worker {

std::string address_text(const sockaddr_storage& address) {
  if (address.ss_family == AF_UNIX) return "unix:";  // its client has no address
  std::array<char, INET6_ADDRSTRLEN> text{};
  const void* bytes = nullptr;
  if (address.ss_family == AF_INET) bytes = &reinterpret_cast<const sockaddr_in&>(address).sin_addr;
  if (address.ss_family == AF_INET6) bytes = &reinterpret_cast<const sockaddr_in6&>(address).sin6_addr;
  if (bytes == nullptr || inet_ntop(address.ss_family, bytes, text.data(), text.size()) == nullptr) return {};
  return text.data();
}

}  // namespace wsd::worker
