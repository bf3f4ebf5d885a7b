#include "tests/wsbench/network_address.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <stdexcept>
#include <string>
#include <vector>

namespace wsd::bench {
namespace {

using testing::ElementsAre;

std::string text_of(const NetworkAddress& address) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  const void* bytes = address.family() == AF_INET
                          ? static_cast<const void*>(&reinterpret_cast<const sockaddr_in*>(address.data())->sin_addr)
                          : &reinterpret_cast<const sockaddr_in6*>(address.data())->sin6_addr;
  return ::inet_ntop(address.family(), bytes, text.data(), text.size());
}

std::vector<std::string> texts_of(const std::vector<NetworkAddress>& addresses) {
  std::vector<std::string> texts;
  for (const NetworkAddress& address : addresses) texts.push_back(text_of(address));
  return texts;
}

TEST(NetworkAddressTest, IsResolved) {
  const NetworkAddress v4 = NetworkAddress::resolve("127.0.0.1", 8080);
  EXPECT_EQ(text_of(v4), "127.0.0.1");
  EXPECT_TRUE(v4.is_loopback_v4());
  EXPECT_EQ(ntohs(reinterpret_cast<const sockaddr_in*>(v4.data())->sin_port), 8080);
  const NetworkAddress v6 = NetworkAddress::resolve("::1", 1);
  EXPECT_EQ(text_of(v6), "::1");
  EXPECT_FALSE(v6.is_loopback_v4());
  EXPECT_THROW(static_cast<void>(NetworkAddress::parse("localhost")), std::invalid_argument);
}

TEST(NetworkAddressTest, SourcesAreListsAndRanges) {
  EXPECT_THAT(texts_of(parse_sources("127.0.0.1")), ElementsAre("127.0.0.1"));
  EXPECT_THAT(texts_of(parse_sources("127.0.0.9,127.0.1.1")), ElementsAre("127.0.0.9", "127.0.1.1"));
  EXPECT_THAT(texts_of(parse_sources("127.0.0.254-127.0.1.1,10.0.0.1")),
              ElementsAre("127.0.0.254", "127.0.0.255", "127.0.1.0", "127.0.1.1", "10.0.0.1"));
  EXPECT_THAT(texts_of(parse_sources("::1")), ElementsAre("::1"));
  for (const char* text :
       {"x", "127.0.0.2-", "127.0.0.2-127.0.0.1", "127.0.0.1-127.255.0.1", "::1-::2", "127.0.0.1,::1"}) {
    EXPECT_THROW(static_cast<void>(parse_sources(text)), std::invalid_argument) << text;
  }
}

TEST(NetworkAddressTest, LoopbackHasSourcesForAnyNumber) {
  EXPECT_THAT(texts_of(loopback_sources(100)), ElementsAre("127.0.0.1"));
  EXPECT_THAT(texts_of(loopback_sources(10'000)), ElementsAre("127.0.0.1", "127.0.0.2", "127.0.0.3"));
  EXPECT_EQ(loopback_sources(100'000).size(), 29);
}

}  // namespace
}  // namespace wsd::bench
