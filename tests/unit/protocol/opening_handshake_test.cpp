#include "protocol/opening_handshake.h"

#include <gtest/gtest.h>

#include "tests/unit/protocol/requests.h"

namespace wsd::protocol {
namespace {

using test::parsed;
using test::plain_handshake;
using test::with;
using test::with_header;

std::string without(std::string_view line) {
  return with(std::string(line) + "\r\n", "");
}

HttpError refusal_of(std::string_view head) {
  auto refusal = check_opening_handshake(parsed(head));
  if (!refusal) {
    ADD_FAILURE() << "accepted:\n" << head;
    return {};
  }
  EXPECT_FALSE(refusal->text.empty());
  return *refusal;
}

void expect_accepted(std::string_view head) {
  const auto refusal = check_opening_handshake(parsed(head));
  EXPECT_FALSE(refusal) << refusal->text << "\n" << head;
}

void expect_bad_request(std::string_view head) {
  EXPECT_EQ(refusal_of(head).status, 400) << head;
}

bool has_header(const HttpError& error, std::string_view name, std::string_view value) {
  for (const auto& header : error.headers) {
    if (header.name == name && header.value == value) return true;
  }
  return false;
}

TEST(OpeningHandshake, AcceptsAHandshakeAsTheRfcWritesIt) {
  expect_accepted(plain_handshake);
  EXPECT_TRUE(is_upgrade(parsed(plain_handshake)));
}

TEST(OpeningHandshake, AcceptsTokensInAnyCaseAndInLists) {
  expect_accepted(with("Upgrade: websocket", "upgrade: h2c, WebSocket"));
  expect_accepted(with("Connection: Upgrade", "CONNECTION: keep-alive, UPGRADE"));
  expect_accepted(with("Connection: Upgrade", "Connection: keep-alive\r\nConnection: upgrade"));
  expect_accepted(with("Host: server.example.com", "Host: [2001:db8::1]:8080"));
  expect_accepted(with_header("Content-Length: 0"));
}

TEST(OpeningHandshake, APlainGetIsToldToUpgrade) {
  const HttpError error = refusal_of("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_EQ(error.status, 426);
  EXPECT_TRUE(has_header(error, "Upgrade", "websocket"));
  EXPECT_FALSE(is_upgrade(parsed("GET / HTTP/1.1\r\nHost: a\r\n\r\n")));
  EXPECT_EQ(refusal_of(with("Upgrade: websocket", "Upgrade: h2c")).status, 426);
  EXPECT_EQ(refusal_of(with("Upgrade: websocket", "Upgrade: websockets")).status, 426);
}

TEST(OpeningHandshake, OtherMethodsAreNotAllowed) {
  for (const char* method : {"POST", "HEAD", "PUT", "OPTIONS", "DELETE"}) {
    const HttpError error = refusal_of(with("GET", method));
    EXPECT_EQ(error.status, 405) << method;
    EXPECT_TRUE(has_header(error, "Allow", "GET"));
  }
}

TEST(OpeningHandshake, OtherVersionsAreToldOurs) {
  for (const std::string& head :
       {with("Version: 13", "Version: 8"), with("Version: 13", "Version: 14"), with("Version: 13", "Version: 13, 8"),
        with("Version: 13", "Version: 013"), with("Version: 13", "Version:"), without("Sec-WebSocket-Version: 13")}) {
    const HttpError error = refusal_of(head);
    EXPECT_EQ(error.status, 426) << head;
    EXPECT_TRUE(has_header(error, "Sec-WebSocket-Version", "13"));
  }
}

// draft-76, whose framing is another one (CVE-2026-54466).
TEST(OpeningHandshake, ADraftsHandshakeIsToldOurVersion) {
  const HttpError error = refusal_of(
      "GET /demo HTTP/1.1\r\nHost: example.com\r\nConnection: Upgrade\r\nSec-WebSocket-Key2: 12998 5 Y3 1  .P00\r\n"
      "Upgrade: WebSocket\r\nSec-WebSocket-Key1: 4 @1  46546xW%0l 1 5\r\nOrigin: http://example.com\r\n\r\n");
  EXPECT_EQ(error.status, 426);
  EXPECT_TRUE(has_header(error, "Sec-WebSocket-Version", "13"));
}

TEST(OpeningHandshake, MissingHeadersAreBadRequests) {
  expect_bad_request(without("Host: server.example.com"));
  expect_bad_request(without("Connection: Upgrade"));
  expect_bad_request(without("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="));
  expect_bad_request(with("Connection: Upgrade", "Connection: keep-alive"));
}

TEST(OpeningHandshake, RepeatedHeadersAreBadRequests) {
  expect_bad_request(with_header("Host: server.example.com"));
  expect_bad_request(with_header("Host: other.example.com"));
  expect_bad_request(with_header("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="));
  expect_bad_request(with_header("Sec-WebSocket-Version: 13"));
  expect_bad_request(with_header("sec-websocket-version: 8"));
}

TEST(OpeningHandshake, HostsThatTwoProgramsCouldReadDifferentlyAreBadRequests) {
  for (const char* host : {"", "a b", "a@b", "a/b", "a,b", "a\\b", "a?b", "a#b", "\xC3\xA4", "\"a\""}) {
    expect_bad_request(with("server.example.com", host));
  }
}

TEST(OpeningHandshake, KeysOfAnotherLengthAreBadRequests) {
  for (const char* key : {"", "dGhlIHNhbXBsZSBub25j", "dGhlIHNhbXBsZSBub25jZWUh", "not base64 at all!!!!!!!"}) {
    expect_bad_request(with("dGhlIHNhbXBsZSBub25jZQ==", key));
  }
}

// CVE-2026-69243 and others: a body that somebody else takes for the next request.
TEST(OpeningHandshake, ABodyBesideUpgradeIsABadRequest) {
  expect_bad_request(with_header("Content-Length: 5"));
  expect_bad_request(with_header("Content-Length: 00"));
  expect_bad_request(with_header("Transfer-Encoding: chunked"));
  expect_bad_request(with_header("Transfer-Encoding: identity"));
}

TEST(OpeningHandshake, AnswersTheExampleOfTheRfc) {
  EXPECT_EQ(serialize_switching_protocols(parsed(plain_handshake)),
            "HTTP/1.1 101 Switching Protocols\r\n"
            "Upgrade: websocket\r\n"
            "Connection: Upgrade\r\n"
            "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"
            "\r\n");
}

TEST(OpeningHandshake, AnswersWithTheChosenSubprotocolAndHeaders) {
  const std::vector<HttpHeader> headers = {{"X-One", "1"}, {"Set-Cookie", "a=b; Path=/"}};
  EXPECT_EQ(serialize_switching_protocols(parsed(plain_handshake), "chat.v2", "permessage-deflate", headers),
            "HTTP/1.1 101 Switching Protocols\r\n"
            "Upgrade: websocket\r\n"
            "Connection: Upgrade\r\n"
            "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"
            "Sec-WebSocket-Protocol: chat.v2\r\n"
            "Sec-WebSocket-Extensions: permessage-deflate\r\n"
            "X-One: 1\r\n"
            "Set-Cookie: a=b; Path=/\r\n"
            "\r\n");
}

TEST(OpeningHandshake, ListsTheOfferedSubprotocolsInTheirOrder) {
  const HttpRequest request =
      parsed(with_header("Sec-WebSocket-Protocol: chat.v2, chat\r\nX-Other: y\r\nsec-websocket-protocol:,superchat,"));
  EXPECT_EQ(offered_subprotocols(request), (std::vector<std::string_view>{"chat.v2", "chat", "superchat"}));
  EXPECT_TRUE(offered_subprotocols(parsed(plain_handshake)).empty());
}

// CVE-2020-7695 and its class: text of the request in the response.
TEST(OpeningHandshake, OffersNothingThatIsNotAToken) {
  const HttpRequest request = parsed(with_header("Sec-WebSocket-Protocol: a b, \"q\", <x>, ok, x;y, \x80"));
  EXPECT_EQ(offered_subprotocols(request), (std::vector<std::string_view>{"ok"}));
}

// CVE-2021-32640, CVE-2020-7662: time that grows faster than the header.
TEST(OpeningHandshake, ReadsLongListsOfNothing) {
  for (const char filler : {',', ' ', ';', '"'}) {
    const std::string head = with_header("Sec-WebSocket-Protocol: " + std::string(16000, filler));
    EXPECT_TRUE(offered_subprotocols(parsed(head)).empty());
    expect_accepted(head);
  }
}

TEST(OpeningHandshakeDeathTest, LetsNoLineEndIntoTheResponse) {
  const HttpRequest request = parsed(plain_handshake);
  const std::vector<HttpHeader> splitting = {{"X-One", "1\r\nSet-Cookie: evil"}};
  EXPECT_DEATH(static_cast<void>(serialize_switching_protocols(request, {}, {}, splitting)), "assertion failed");
  EXPECT_DEATH(static_cast<void>(serialize_switching_protocols(request, "chat\r\nX: y")), "assertion failed");
}

}  // namespace
}  // namespace wsd::protocol
