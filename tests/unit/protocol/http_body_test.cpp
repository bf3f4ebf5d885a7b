#include "protocol/http_body.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "protocol/http_request_parser.h"

namespace wsd::protocol {
namespace {

HttpRequest request_of(const std::string& fields, const std::string& version = "HTTP/1.1") {
  const std::string head = "POST / " + version + "\r\n" + fields + "\r\n";
  HttpRequestParser parser({}, HttpPurpose::api);
  std::span<const std::byte> bytes = std::as_bytes(std::span(head));
  EXPECT_EQ(parser.next(bytes), HttpRequestParser::Step::complete) << head;
  return parser.take();
}

// Gives it bytes; what it leaves of them.
std::string feed(HttpBody& body, std::string_view bytes, bool expect_complete) {
  std::span<const std::byte> input = std::as_bytes(std::span(bytes));
  EXPECT_EQ(body.take(input), expect_complete);
  return {reinterpret_cast<const char*>(input.data()), input.size()};
}

int refusal(const std::string& fields) {
  const HttpBody body(request_of(fields), 100);
  return body.error() ? body.error()->status : 0;
}

TEST(HttpBody, IsWholeAtOnceWithoutALength) {
  HttpBody body(request_of(""), 10);
  EXPECT_FALSE(body.error());
  EXPECT_EQ(feed(body, "next", true), "next");
  EXPECT_EQ(body.text(), "");
}

TEST(HttpBody, IsTakenCutAnywhereAndNothingBehindIt) {
  const std::string text = "0123456789";
  for (std::size_t cut = 0; cut <= text.size(); ++cut) {
    HttpBody body(request_of("Content-Length: 10\r\n"), 10);
    EXPECT_EQ(feed(body, std::string_view(text).substr(0, cut), cut == text.size()), "");
    EXPECT_EQ(body.text(), text.substr(0, cut));
    EXPECT_EQ(feed(body, text.substr(cut) + "more", true), "more");
    EXPECT_EQ(body.text(), text);
  }
}

TEST(HttpBody, IsRefusedWhereItIsNotRead) {
  EXPECT_EQ(refusal("Content-Length: 100\r\n"), 0);
  EXPECT_EQ(refusal("Content-Length: 101\r\n"), 413);
  EXPECT_EQ(refusal("Content-Length: 18446744073709551615\r\n"), 413);
  EXPECT_EQ(refusal("Transfer-Encoding: chunked\r\n"), 411);
}

TEST(HttpBody, KnowsWhoWaitsToBeToldToContinue) {
  const auto waits = [](const std::string& fields, const std::string& version = "HTTP/1.1") {
    return HttpBody(request_of(fields, version), 10).wants_continue();
  };
  EXPECT_TRUE(waits("Content-Length: 1\r\nExpect: 100-Continue\r\n"));
  EXPECT_FALSE(waits("Content-Length: 0\r\nExpect: 100-continue\r\n"));
  EXPECT_FALSE(waits("Content-Length: 1\r\n"));
  EXPECT_FALSE(waits("Content-Length: 11\r\nExpect: 100-continue\r\n"));
  EXPECT_FALSE(waits("Content-Length: 1\r\nExpect: 100-continue\r\n", "HTTP/1.0"));
}

}  // namespace
}  // namespace wsd::protocol
