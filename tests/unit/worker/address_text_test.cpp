#include "worker/address_text.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>

#include <string>

namespace wsd::worker {
namespace {

std::string text_of(const std::string& address) {
  sockaddr_storage storage{};
  auto& ipv4 = reinterpret_cast<sockaddr_in&>(storage);
  auto& ipv6 = reinterpret_cast<sockaddr_in6&>(storage);
  if (::inet_pton(AF_INET, address.c_str(), &ipv4.sin_addr) == 1) {
    storage.ss_family = AF_INET;
  } else {
    EXPECT_EQ(::inet_pton(AF_INET6, address.c_str(), &ipv6.sin6_addr), 1);
    storage.ss_family = AF_INET6;
  }
  return address_text(storage);
}

TEST(AddressText, IsTheUsualOne) {
  for (const std::string address : {"0.0.0.0", "127.0.0.1", "192.0.2.70", "255.255.255.255", "::1", "2001:db8::7"}) {
    EXPECT_EQ(text_of(address), address);
  }
}

TEST(AddressText, AUnixSocketHasNone) {
  sockaddr_storage storage{};
  storage.ss_family = AF_UNIX;
  EXPECT_EQ(address_text(storage), "unix:");
  storage.ss_family = AF_UNSPEC;
  EXPECT_EQ(address_text(storage), "");
}

}  // namespace
}  // namespace wsd::worker
