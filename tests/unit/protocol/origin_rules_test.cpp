#include "protocol/origin_rules.h"

#include <gtest/gtest.h>

#include <initializer_list>
#include <string>

#include "tests/unit/protocol/requests.h"

namespace wsd::protocol {
namespace {

using test::parsed;
using test::plain_handshake;
using test::with_header;

OriginRules rules(std::initializer_list<std::string_view> texts) {
  OriginRules made;
  for (const std::string_view text : texts) {
    const auto problem = made.add(text);
    EXPECT_FALSE(problem) << text << " " << *problem;
  }
  return made;
}

bool allows(const OriginRules& rules, std::string_view origin) {
  const auto refusal = rules.check(parsed(with_header("Origin: " + std::string(origin))));
  if (refusal) {
    EXPECT_EQ(refusal->status, 403) << origin;
    EXPECT_FALSE(refusal->text.empty());
  }
  return !refusal;
}

void expect_allowed(const OriginRules& rules, std::initializer_list<std::string_view> origins) {
  for (const std::string_view origin : origins) EXPECT_TRUE(allows(rules, origin)) << origin;
}

void expect_refused(const OriginRules& rules, std::initializer_list<std::string_view> origins) {
  for (const std::string_view origin : origins) EXPECT_FALSE(allows(rules, origin)) << origin;
}

TEST(OriginRules, WithoutAnyEveryOriginIsAllowed) {
  const OriginRules none;
  expect_allowed(none, {"https://example.com", "null", "https://evil.example", "nonsense", ""});
  EXPECT_FALSE(none.check(parsed(plain_handshake)));
  EXPECT_FALSE(none.check(parsed(with_header("Origin: a\r\nOrigin: b"))));
}

TEST(OriginRules, AnExactOneIsSchemeHostAndPort) {
  const OriginRules exact = rules({"https://example.com"});
  expect_allowed(exact, {"https://example.com", "https://example.com:443"});
  expect_refused(exact, {"http://example.com", "wss://example.com", "https://example.com:8443",
                         "https://example.com:80", "https://www.example.com", "null"});
}

TEST(OriginRules, ThePortOfTheSchemeMayBeLeftOut) {
  expect_allowed(rules({"https://example.com:443"}), {"https://example.com", "https://example.com:443"});
  expect_allowed(rules({"http://example.com:80"}), {"http://example.com", "http://example.com:80"});
  expect_refused(rules({"http://example.com:443"}), {"http://example.com", "https://example.com"});
  const OriginRules other = rules({"https://example.com:8443"});
  expect_allowed(other, {"https://example.com:8443"});
  expect_refused(other, {"https://example.com", "https://example.com:443", "https://example.com:844"});
}

TEST(OriginRules, SchemeAndHostAreComparedInAnyCase) {
  expect_allowed(rules({"HTTPS://Example.COM"}), {"https://example.com", "https://EXAMPLE.com", "Https://example.com"});
  expect_allowed(rules({"https://*.Example.COM"}), {"https://A.EXAMPLE.com"});
}

TEST(OriginRules, NeitherAPrefixNorASuffixOfAHostIsTheHost) {
  expect_refused(rules({"https://example.com"}),
                 {"https://example.com.evil.org", "https://evilexample.com", "https://example.co", "https://xample.com",
                  "https://example.comevil.org", "https://example.com.", "https://evil.org/https://example.com"});
  expect_refused(rules({"https://*.example.com"}), {"https://evilexample.com", "https://example.com.evil.org",
                                                    "https://a.example.com.evil.org", "https://a.example.com."});
}

TEST(OriginRules, WhatIsNoOriginMatchesNone) {
  expect_refused(rules({"https://example.com", "https://*.example.com", "*://example.com"}),
                 {"",
                  "example.com",
                  "//example.com",
                  "https:example.com",
                  "https:/example.com",
                  "://example.com",
                  "https://",
                  "https://example.com/",
                  "https://example.com/path",
                  "https://example.com?a",
                  "https://example.com#a",
                  "https://user@example.com",
                  "https://example.com@evil.org",
                  "https://evil.org@example.com",
                  "https://example.com:",
                  "https://example.com:0",
                  "https://example.com:0443",
                  "https://example.com:443x",
                  "https://example.com:99999",
                  "https://example.com:-1",
                  "https://example.com:443:443",
                  "https://example.com https://evil.org",
                  "https://evil.org https://example.com",
                  "https://example.com,https://evil.org",
                  "https://evil.org, https://example.com",

                  "https://.example.com",
                  "https://a..example.com",
                  "https://*.example.com",
                  "*://example.com",
                  "https://example%2Ecom",
                  "https://ex\xC3\xA4mple.com",
                  "https://a\\.example.com",
                  "https://evil.org\\.example.com",
                  "https://evil.org#.example.com",
                  "https://evil.org?.example.com",
                  "https://evil.org/.example.com",
                  "https://[::1].example.com",
                  "NULL",
                  "absent"});
}

TEST(OriginRules, BlanksAroundAValueAreNotOfIt) {
  EXPECT_TRUE(allows(rules({"https://example.com"}), "  https://example.com  "));  // RFC 9110 §5.5
}

TEST(OriginRules, AWildcardIsForEveryHostBelow) {
  const OriginRules below = rules({"https://*.example.com"});
  expect_allowed(below, {"https://a.example.com", "https://a.b.c.example.com", "https://a.example.com:443",
                         "https://xn--bcher-kva.example.com", "https://a_b.example.com"});
  expect_refused(below, {"https://example.com", "http://a.example.com", "https://a.example.com:8443"});
  expect_allowed(rules({"http://*.example.com:8080"}), {"http://a.example.com:8080"});
  expect_refused(rules({"http://*.example.com:8080"}), {"http://a.example.com", "http://a.example.com:80"});
}

TEST(OriginRules, AnySchemeTakesEachWithItsOwnPort) {
  const OriginRules any = rules({"*://example.com"});
  expect_allowed(any,
                 {"http://example.com", "https://example.com", "https://example.com:443", "capacitor://example.com"});
  expect_refused(any, {"https://example.com:8443", "https://example.com:80", "http://example.com:443",
                       "https://a.example.com", "capacitor://example.com:1"});
  const OriginRules with_port = rules({"*://example.com:443"});
  expect_allowed(with_port, {"https://example.com", "http://example.com:443"});
  expect_refused(with_port, {"http://example.com"});
  expect_allowed(rules({"*://*.example.com"}), {"http://a.example.com", "https://b.a.example.com"});
}

TEST(OriginRules, AddressesAreHostsToo) {
  expect_allowed(rules({"http://127.0.0.1:8080"}), {"http://127.0.0.1:8080"});
  expect_allowed(rules({"http://[::1]:8080"}), {"http://[::1]:8080"});
  expect_refused(rules({"http://[::1]"}),
                 {"http://[::1", "http://::1", "http://[::2]", "http://[::1]x", "http://[::1]:x"});
}

TEST(OriginRules, NullAndAbsentAreSaidByTheirWords) {
  expect_allowed(rules({"null"}), {"null"});
  expect_refused(rules({"absent"}), {"null", ""});
  expect_refused(rules({"null"}), {"null null", "Null"});
  const auto refusal = rules({"null"}).check(parsed(plain_handshake));
  ASSERT_TRUE(refusal);
  EXPECT_EQ(refusal->status, 403);
  EXPECT_FALSE(rules({"absent"}).check(parsed(plain_handshake)));
  EXPECT_FALSE(rules({"https://example.com", "absent"}).check(parsed(plain_handshake)));
}

TEST(OriginRules, OneOfSeveralIsEnough) {
  const OriginRules several = rules({"https://a.org", "https://*.b.org", "null"});
  expect_allowed(several, {"https://a.org", "https://x.b.org", "null"});
  expect_refused(several, {"https://b.org", "https://x.a.org"});
}

TEST(OriginRules, MoreThanOneHeaderIsABadRequest) {
  const OriginRules exact = rules({"https://example.com"});
  for (const char* headers : {"Origin: https://example.com\r\nOrigin: https://example.com",
                              "Origin: https://evil.org\r\norigin: https://example.com",
                              "Origin: https://example.com\r\nORIGIN: https://evil.org"}) {
    const auto refusal = exact.check(parsed(with_header(headers)));
    ASSERT_TRUE(refusal) << headers;
    EXPECT_EQ(refusal->status, 400);
  }
}

TEST(OriginRules, WhatIsNoRuleIsRefusedWithASentence) {
  for (const char* text : {"",
                           "*",
                           "example.com",
                           "*.example.com",
                           "https://",
                           "https://example.com/",
                           "https://example.com/path",
                           "https://user@example.com",
                           "https://*",
                           "https://*.",
                           "https://a.*.com",
                           "https://*a.example.com",
                           "https://*:443",
                           "https://example.com:*",
                           "https://example.com:0",
                           "https://example.com:port",
                           "https://ex\xC3\xA4mple.com",
                           "https://*.[::1]",
                           "https://[::1",
                           "ht*p://example.com",
                           "**://example.com",
                           "://example.com",
                           "Null",
                           "https://a b"}) {
    OriginRules made;
    const auto problem = made.add(text);
    ASSERT_TRUE(problem) << text;
    EXPECT_NE(problem->find("https://*.example.com"), std::string::npos) << "it says how to write one";
    EXPECT_FALSE(made.check(parsed(plain_handshake))) << "it is no rule";
  }
}

}  // namespace
}  // namespace wsd::protocol
