#include "worker/front_page.h"

#include <gtest/gtest.h>

#include <string>

#include "tests/unit/protocol/requests.h"
#include "worker/apps/page.h"
#include "worker/client_request.h"
#include "worker/http_exchange.h"

namespace wsd::worker {
namespace {

bool asks(const std::string& line, const std::string& fields = "") {
  ClientRequest request("192.0.2.7");
  request.set_head(protocol::test::parsed(line + "\r\nHost: x\r\n" + fields + "\r\n"));
  return asks_for_front_page(request);
}

TEST(FrontPage, IsForABrowserThatOpensTheAddress) {
  EXPECT_TRUE(asks("GET / HTTP/1.1"));
  EXPECT_TRUE(asks("GET / HTTP/1.1", "Accept: text/html\r\nConnection: keep-alive\r\n"));
  EXPECT_TRUE(asks("GET /?from=mail HTTP/1.1"));
  EXPECT_TRUE(asks("HEAD / HTTP/1.1"));
}

TEST(FrontPage, IsForNobodyElse) {
  EXPECT_FALSE(asks("GET /index.html HTTP/1.1"));
  EXPECT_FALSE(asks("GET // HTTP/1.1"));
  EXPECT_FALSE(asks("GET /chat/lobby HTTP/1.1"));
  EXPECT_FALSE(asks("POST / HTTP/1.1"));
  EXPECT_FALSE(asks("OPTIONS / HTTP/1.1"));
}

TEST(FrontPage, LeavesAHandshakeThatWentWrongToItsError) {
  EXPECT_FALSE(asks("GET / HTTP/1.1", "Upgrade: websocket\r\n"));
  EXPECT_FALSE(asks("GET / HTTP/1.1", "Upgrade: h2c\r\n"));
  EXPECT_FALSE(asks("GET / HTTP/1.1", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n")) << "a proxy took the Upgrade";
}

TEST(FrontPage, IsHtmlThatRunsNothingButItself) {
  ResponseDraft draft;
  show_front_page(draft);
  const protocol::HttpResponse response = draft.take();
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.body, page_html());
  std::string policy;
  for (const protocol::HttpHeader& header : response.headers) {
    if (header.name == "Content-Type") {
      EXPECT_EQ(header.value, "text/html; charset=utf-8");
    }
    if (header.name == "Content-Security-Policy") policy = header.value;
  }
  EXPECT_TRUE(policy.starts_with("default-src 'none'; script-src 'sha256-")) << policy;
  EXPECT_EQ(policy.find("unsafe"), std::string::npos) << policy;
}

}  // namespace
}  // namespace wsd::worker
