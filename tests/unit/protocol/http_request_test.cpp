#include "protocol/http_request.h"

#include <gtest/gtest.h>

#include <vector>

#include "tests/unit/protocol/requests.h"

namespace wsd::protocol {
namespace {

using test::parsed;
using test::plain_handshake;
using test::with;
using test::with_header;

std::string head_of(std::string_view target) {
  return with("/chat?room=1", target);
}

TEST(HttpRequest, KnowsItsRequestLine) {
  const HttpRequest request = parsed(plain_handshake);
  EXPECT_EQ(request.method(), "GET");
  EXPECT_EQ(request.target(), "/chat?room=1");
  EXPECT_EQ(request.path(), "/chat");
  EXPECT_EQ(request.query(), "room=1");
  EXPECT_EQ(request.minor_version(), 1);
}

TEST(HttpRequest, FindsPathAndQueryInEveryFormOfTarget) {
  struct Case {
    const char* target;
    const char* path;
    const char* query;
  };
  for (const auto& [target, path, query] : {
           Case{"/", "/", ""},
           Case{"/?", "/", ""},
           Case{"/a?b?c", "/a", "b?c"},
           Case{"/a%20b/?x=http://y/z", "/a%20b/", "x=http://y/z"},
           Case{"//double", "//double", ""},
           Case{"http://host/chat?room=1", "/chat", "room=1"},
           Case{"http://host:8080", "/", ""},
           Case{"http://host?q", "/", "q"},
       }) {
    const HttpRequest request = parsed(head_of(target));
    EXPECT_EQ(request.target(), target);
    EXPECT_EQ(request.path(), path) << target;
    EXPECT_EQ(request.query(), query) << target;
  }
}

TEST(HttpRequest, FindsHeadersInAnyCaseAndTheFirstOfEqualNames) {
  const HttpRequest request = parsed(with_header("X-Twice: one\r\nx-twice: two"));
  EXPECT_EQ(request.header("x-TWICE"), "one");
  EXPECT_EQ(request.count("X-Twice"), 2U);
  EXPECT_EQ(request.header("X-Never"), std::nullopt);
  EXPECT_EQ(request.count("X-Never"), 0U);
}

TEST(HttpRequest, AHeaderMayBeEmptyAndLosesTheWhitespaceAroundIt) {
  const HttpRequest request =
      parsed(with_header("X-Empty:\r\nX-Blank: \t \r\nX-Wide:  \t a  b \t \r\nX-Narrow:c\r\nX-Last: d"));
  EXPECT_EQ(request.header("X-Empty"), "");
  EXPECT_EQ(request.header("X-Blank"), "");
  EXPECT_EQ(request.header("X-Wide"), "a  b");
  EXPECT_EQ(request.header("X-Narrow"), "c");
  EXPECT_EQ(request.header("X-Last"), "d");
}

TEST(HttpRequest, KeepsHeadersInTheirOrderAndCase) {
  const HttpRequest request = parsed("GET / HTTP/1.1\r\nhost: a\r\nX-UPPER: b\r\nContent-Length: 0\r\n\r\n");
  std::vector<std::string> lines;
  for (const auto header : request.headers())
    lines.push_back(std::string(header.name) + "=" + std::string(header.value));
  EXPECT_EQ(lines, (std::vector<std::string>{"host=a", "X-UPPER=b", "Content-Length=0"}));
  EXPECT_EQ(request.headers().size(), 3U);
}

TEST(HttpRequest, LeavesNoHeaderThatLlhttpTreatsSpeciallyOut) {
  const std::string head =
      "POST / HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, Upgrade\r\nProxy-Connection: close\r\n"
      "Upgrade: websocket\r\nTransfer-Encoding: gzip, chunked\r\nConnection: close \r\nContent-Type: \r\n\r\n";
  const HttpRequest request = parsed(head);
  EXPECT_EQ(request.headers().size(), 7U);
  EXPECT_EQ(request.header("Connection"), "keep-alive, Upgrade");
  EXPECT_EQ(request.header("Proxy-Connection"), "close");
  EXPECT_EQ(request.header("Transfer-Encoding"), "gzip, chunked");
  EXPECT_TRUE(request.has_token("Connection", "close"));
  EXPECT_EQ(request.header("Content-Type"), "");
}

TEST(HttpRequest, FindsTokensInListsThatSpreadOverHeaders) {
  const HttpRequest request = parsed(with("Connection: Upgrade", "Connection: keep-alive ,, x\r\nCONNECTION: UPGRADE"));
  EXPECT_TRUE(request.has_token("Connection", "keep-alive"));
  EXPECT_TRUE(request.has_token("Connection", "upgrade"));
  EXPECT_TRUE(request.has_token("connection", "X"));
  EXPECT_FALSE(request.has_token("Connection", "keep"));
  EXPECT_FALSE(request.has_token("Connection", "Upgrade2"));
  EXPECT_FALSE(request.has_token("X-Never", "upgrade"));
}

TEST(HttpRequest, ItsRawBytesMakeTheSameRequest) {
  const HttpRequest request = parsed(plain_handshake);
  EXPECT_EQ(test::text(request.raw()), plain_handshake);
  const HttpRequest again = parsed(test::text(request.raw()));
  EXPECT_EQ(again.target(), request.target());
  EXPECT_EQ(again.header("Sec-WebSocket-Key"), request.header("Sec-WebSocket-Key"));
}

TEST(HttpRequest, ItsViewsSurviveAMove) {
  HttpRequest request = parsed(plain_handshake);
  const std::string_view path = request.path();
  const HttpRequest moved = std::move(request);
  EXPECT_EQ(path, "/chat");
  EXPECT_EQ(moved.path().data(), path.data());
  EXPECT_TRUE(request.empty());
  EXPECT_FALSE(moved.empty());
}

TEST(HttpRequest, IsOnePointer) {
  EXPECT_EQ(sizeof(HttpRequest), sizeof(void*));
}

TEST(HttpRequestDeathTest, AnEmptyRequestHasNoParts) {
  const HttpRequest request;
  EXPECT_DEATH(static_cast<void>(request.method()), "assertion failed: !empty()");
}

}  // namespace
}  // namespace wsd::protocol
