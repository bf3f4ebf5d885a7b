#include "worker/address_text.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <array>
#include <charconv>
#include <cstring>

namespace wsd::worker {

namespace {

// As inet_ntop(3), which asks printf: each connection's accept waits for that.
std::string ipv4_text(const in_addr& address) {
  std::array<unsigned char, 4> numbers;
  std::memcpy(numbers.data(), &address, numbers.size());
  std::array<char, INET_ADDRSTRLEN> text;
  char* end = text.data();
  for (const unsigned char number : numbers) {
    if (end != text.data()) *end++ = '.';
    end = std::to_chars(end, text.data() + text.size(), static_cast<unsigned>(number)).ptr;
  }
  return {text.data(), end};
}

}  // namespace

std::string address_text(const sockaddr_storage& address) {
  if (address.ss_family == AF_UNIX) return "unix:";  // its client has no address
  if (address.ss_family == AF_INET) return ipv4_text(reinterpret_cast<const sockaddr_in&>(address).sin_addr);
  std::array<char, INET6_ADDRSTRLEN> text{};
  const void* bytes = nullptr;
  if (address.ss_family == AF_INET6) bytes = &reinterpret_cast<const sockaddr_in6&>(address).sin6_addr;
  if (bytes == nullptr || inet_ntop(address.ss_family, bytes, text.data(), text.size()) == nullptr) return {};
  return text.data();
}

}  // namespace wsd::worker
