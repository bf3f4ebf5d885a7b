#include "protocol/trusted_proxies.h"

#include <gtest/gtest.h>

#include <initializer_list>
#include <string>

#include "tests/unit/protocol/requests.h"

namespace wsd::protocol {
namespace {

using test::parsed;
using test::plain_handshake;
using test::with_header;

TrustedProxies proxies(std::initializer_list<std::string_view> texts) {
  TrustedProxies made;
  for (const std::string_view text : texts) {
    const auto problem = made.add(text);
    EXPECT_FALSE(problem) << text << " " << *problem;
  }
  return made;
}

std::string client_of(std::string_view header,
                      const TrustedProxies& trusted = proxies({"127.0.0.1", "10.0.0.0/8", "fd00::/8"}),
                      std::string_view peer = "127.0.0.1") {
  return trusted.client_of(peer, parsed(with_header(header)));
}

TEST(TrustedProxies, NobodyIsTrustedUnasked) {
  const TrustedProxies nobody;
  EXPECT_FALSE(nobody.trust("127.0.0.1"));
  EXPECT_FALSE(nobody.trust("unix:"));
  EXPECT_EQ(client_of("X-Forwarded-For: 203.0.113.9", nobody), "127.0.0.1");
  EXPECT_EQ(client_of("X-Real-IP: 203.0.113.9", nobody), "127.0.0.1");
}

TEST(TrustedProxies, AreBlocksAddressesAndUnixSockets) {
  const TrustedProxies trusted = proxies({"10.0.0.0/8", "192.0.2.1", "2001:db8::/32"});
  for (const char* peer : {"10.1.2.3", "192.0.2.1", "2001:db8::5", "::ffff:10.0.0.1"})
    EXPECT_TRUE(trusted.trust(peer)) << peer;
  for (const char* peer : {"11.0.0.1", "192.0.2.2", "2001:db9::", "unix:", "", "nonsense"})
    EXPECT_FALSE(trusted.trust(peer)) << peer;
  EXPECT_TRUE(proxies({"unix:"}).trust("unix:"));
  EXPECT_FALSE(proxies({"unix:"}).trust("127.0.0.1"));
}

TEST(TrustedProxies, AreNothingElse) {
  for (const char* text :
       {"", "localhost", "10.0.0.1/8", "10.0.0.0/33", "unix", "unix:/run/x.sock", "*", "10.0.0.0/8,127.0.0.1"}) {
    TrustedProxies made;
    const auto problem = made.add(text);
    ASSERT_TRUE(problem) << text;
    EXPECT_NE(problem->find("10.0.0.0/8"), std::string::npos) << "it says how to write one";
  }
}

TEST(TrustedProxies, SayWhoTheClientIs) {
  EXPECT_EQ(client_of("X-Forwarded-For: 203.0.113.9"), "203.0.113.9");
  EXPECT_EQ(client_of("x-forwarded-FOR:2001:DB8::0:1"), "2001:db8::1");
  EXPECT_EQ(client_of("X-Real-IP: 203.0.113.9"), "203.0.113.9");
  EXPECT_EQ(client_of("X-Forwarded-For: 203.0.113.9", proxies({"unix:"}), "unix:"), "203.0.113.9");
  EXPECT_EQ(proxies({"127.0.0.1"}).client_of("127.0.0.1", parsed(plain_handshake)), "127.0.0.1");
}

TEST(TrustedProxies, OthersAreNotBelieved) {
  EXPECT_EQ(client_of("X-Forwarded-For: 203.0.113.9", proxies({"10.0.0.0/8"}), "192.0.2.7"), "192.0.2.7");
  EXPECT_EQ(client_of("X-Real-IP: 203.0.113.9", proxies({"10.0.0.0/8"}), "unix:"), "unix:");
}

TEST(TrustedProxies, TheWalkGoesFromTheRightOverTrustedAddresses) {
  EXPECT_EQ(client_of("X-Forwarded-For: 1.1.1.1, 203.0.113.9"), "203.0.113.9") << "what it says itself is not believed";
  EXPECT_EQ(client_of("X-Forwarded-For: 1.1.1.1, 203.0.113.9, 10.0.0.5, fd00::1"), "203.0.113.9");
  EXPECT_EQ(client_of("X-Forwarded-For: 10.0.0.7, 10.0.0.5"), "10.0.0.7") << "all are trusted: the first of them";
  EXPECT_EQ(client_of("X-Forwarded-For: 1.1.1.1,203.0.113.9 ,\t10.0.0.5"), "203.0.113.9");
  EXPECT_EQ(client_of("X-Forwarded-For: 1.1.1.1, ::ffff:10.0.0.5"), "1.1.1.1");
}

TEST(TrustedProxies, HeadersOfOneNameAreOneList) {
  EXPECT_EQ(client_of("X-Forwarded-For: 1.1.1.1\r\nX-Forwarded-For: 203.0.113.9, 10.0.0.5"), "203.0.113.9");
  EXPECT_EQ(client_of("X-Forwarded-For: 203.0.113.9\r\nX-Forwarded-For: 10.0.0.5"), "203.0.113.9");
}

TEST(TrustedProxies, WhatIsNoAddressEndsTheWalk) {
  for (const char* garbage :
       {"unknown", "_hidden", "", "1.2.3", "1.2.3.4.5", "1.2.3.4 5.6.7.8", "1.2.3.4:port", "1.2.3.4:", "1.2.3.4:123456",
        "[::1", "[::1]x", "[::1]:", "::1]", "\"1.2.3.4\"", "for=1.2.3.4", "fe80::1%eth0", "1.2.3.4\t5", "evil\x9b"}) {
    const std::string text(garbage);
    EXPECT_EQ(client_of("X-Forwarded-For: 203.0.113.9, " + text), "127.0.0.1") << text;
    EXPECT_EQ(client_of("X-Forwarded-For: 203.0.113.9, " + text + ", 10.0.0.5"), "10.0.0.5") << text;
    EXPECT_EQ(client_of("X-Forwarded-For: " + text + ", 203.0.113.9, 10.0.0.5"), "203.0.113.9") << text;
    EXPECT_EQ(client_of("X-Real-IP: " + text), "127.0.0.1") << text;
  }
  EXPECT_EQ(client_of("X-Forwarded-For:"), "127.0.0.1");
}

TEST(TrustedProxies, AddressesMayHaveTheirPort) {
  EXPECT_EQ(client_of("X-Forwarded-For: 203.0.113.9:51000, 10.0.0.5:80"), "203.0.113.9");
  EXPECT_EQ(client_of("X-Forwarded-For: [2001:db8::1]:51000"), "2001:db8::1");
  EXPECT_EQ(client_of("X-Forwarded-For: [2001:db8::1]"), "2001:db8::1");
}

TEST(TrustedProxies, TheRealIpIsAskedForWhereNothingIsForwarded) {
  EXPECT_EQ(client_of("X-Real-IP: 1.1.1.1\r\nX-Forwarded-For: 203.0.113.9"), "203.0.113.9");
  EXPECT_EQ(client_of("X-Real-IP: 1.1.1.1\r\nX-Forwarded-For: unknown"), "127.0.0.1");
  EXPECT_EQ(client_of("X-Real-IP: 1.1.1.1\r\nX-Real-IP: 2.2.2.2"), "127.0.0.1") << "which of them wrote the proxy?";
}

TEST(TrustedProxies, AskedAgainAboutTheirAnswerTheySayTheSame) {
  const TrustedProxies trusted = proxies({"127.0.0.1", "10.0.0.0/8"});
  for (const char* list :
       {"203.0.113.9", "1.1.1.1, unknown, 10.0.0.5", "10.0.0.7, 10.0.0.5", "1.1.1.1, 203.0.113.9, 10.0.0.5"}) {
    const HttpRequest request = parsed(with_header(std::string("X-Forwarded-For: ") + list));
    const std::string client = trusted.client_of("127.0.0.1", request);
    EXPECT_EQ(trusted.client_of(client, request), client) << list;
  }
}

}  // namespace
}  // namespace wsd::protocol
