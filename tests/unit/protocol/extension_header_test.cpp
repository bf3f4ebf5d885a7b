#include "protocol/extension_header.h"

#include <gtest/gtest.h>

#include <chrono>
#include <string>

#include "tests/unit/protocol/requests.h"

namespace wsd::protocol {
namespace {

// In a notation of its own: names, then parameters in brackets, values behind a colon.
std::string parsed(std::string_view value) {
  const auto offers = parse_extensions(value);
  if (!offers) return "malformed";
  std::string text;
  for (const ExtensionOffer& offer : *offers) {
    text += offer.name + "[";
    for (const auto& [name, content] : offer.parameters) text += name + (content ? ":" + *content : "") + " ";
    text += "]";
  }
  return text;
}

TEST(ExtensionHeader, ReadsTheExamplesOfTheRfcs) {
  EXPECT_EQ(parsed("foo"), "foo[]");                                                          // RFC 6455 §9.1
  EXPECT_EQ(parsed("bar; baz=2"), "bar[baz:2 ]");                                             // the same
  EXPECT_EQ(parsed("deflate-stream"), "deflate-stream[]");                                    // the same
  EXPECT_EQ(parsed("mux; max-channels=4; flow-control, deflate-stream"),                      // the same
            "mux[max-channels:4 flow-control ]deflate-stream[]");                             //
  EXPECT_EQ(parsed("private-extension"), "private-extension[]");                              // the same
  EXPECT_EQ(parsed("permessage-deflate; client_max_window_bits; server_max_window_bits=10"),  // RFC 7692 §7.1.3
            "permessage-deflate[client_max_window_bits server_max_window_bits:10 ]");
}

TEST(ExtensionHeader, ReadsQuotedValuesAsTokens) {
  EXPECT_EQ(parsed("a; b=\"10\""), "a[b:10 ]");
  EXPECT_EQ(parsed("a; b=\"1\\0\""), "a[b:10 ]");
  EXPECT_EQ(parsed("a;b=\"c\";d, e"), "a[b:c d ]e[]");
}

TEST(ExtensionHeader, TakesWhitespaceAndEmptyElementsAnywhereInAList) {
  EXPECT_EQ(parsed(""), "");
  EXPECT_EQ(parsed(" , ,\t,"), "");
  EXPECT_EQ(parsed(",a ,, b\t; c = d ,"), "a[]b[c:d ]");
}

TEST(ExtensionHeader, RefusesWhatBreaksTheGrammar) {
  for (const char* value : {"a;",          "a; ;b",        ";",          "a;=b",        "a;b=",     "a;b=;c",
                            "a b",         "a;b c",        "a;b=c d",    "a=b",         "\"a\"",    "a;\"b\"",
                            "a;b=\"",      "a;b=\"c",      "a;b=\"c\\",  "a;b=\"c\\\"", "a;b=\"\"", "a;b=\"c d\"",
                            "a;b=\"c,d\"", "a;b=\"\\\"\"", "a;b=\"c\"d", "a;b=c\"d\"",  "a,;",      "a;b==c",
                            "(a)",         "a/b",          "a;b=\x80",   "a\x01",       "\xFF"}) {
    EXPECT_EQ(parsed(value), "malformed") << value;
  }
}

TEST(ExtensionHeader, CutAnywhereItIsReadOrRefused) {
  const std::string value =
      R"(, a ; b = "c\d" ;e, permessage-deflate;client_max_window_bits;server_max_window_bits=10,)";
  for (std::size_t size = 0; size <= value.size(); ++size) {
    const std::string cut = value.substr(0, size);  // of exact size, for the sanitizer
    static_cast<void>(parse_extensions(cut));
  }
}

TEST(ExtensionHeader, JoinsAllHeadersOfARequest) {
  const auto request = test::parsed(
      "GET / HTTP/1.1\r\nHost: h\r\nSec-WebSocket-Extensions: a; b\r\nX: y\r\nsec-websocket-extensions: c\r\n\r\n");
  const auto offers = offered_extensions(request);
  ASSERT_TRUE(offers);
  ASSERT_EQ(offers->size(), 2U);
  EXPECT_EQ((*offers)[0], (ExtensionOffer{"a", {{"b", std::nullopt}}}));
  EXPECT_EQ((*offers)[1], (ExtensionOffer{"c", {}}));
}

TEST(ExtensionHeader, IsMalformedIfOneOfTheHeadersIs) {
  const auto request =
      test::parsed("GET / HTTP/1.1\r\nSec-WebSocket-Extensions: a\r\nSec-WebSocket-Extensions: a;\r\n\r\n");
  EXPECT_FALSE(offered_extensions(request));
}

// CVE-2021-32640 and others: 16 KiB is what a head may have.
TEST(ExtensionHeader, TakesLinearTimeForHostileInput) {
  constexpr std::size_t size = 16 * 1024;
  const auto begin = std::chrono::steady_clock::now();
  for (const std::string_view unit : {" ", ",", ";\"", ", ", ";", "a;", "a,", "\"", "\\", "a;b=\"", "\\\"", "\t ,"}) {
    std::string value = "a;b=\"c\"";
    while (value.size() < size) value += unit;
    static_cast<void>(parse_extensions(value));
    static_cast<void>(parse_extensions(value.substr(7)));
    static_cast<void>(parse_extensions(value + "a"));
  }
  // 36 of them; a quadratic one would take a second each.
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(10));
}

}  // namespace
}  // namespace wsd::protocol
