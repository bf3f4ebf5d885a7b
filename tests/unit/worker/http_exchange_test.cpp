#include "worker/http_exchange.h"

#include <gtest/gtest.h>

#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/http_request_parser.h"

namespace wsd::worker {
namespace {

ClientRequest request_of(std::string_view head) {
  protocol::HttpRequestParser parser;
  std::span<const std::byte> bytes = std::as_bytes(std::span(head));
  EXPECT_EQ(parser.next(bytes), protocol::HttpRequestParser::Step::complete) << head;
  ClientRequest request("192.0.2.7");
  request.set_head(parser.take());
  return request;
}

// Gives it bytes; what it leaves of them.
std::string feed(HttpExchange& exchange, std::string bytes, bool expect_complete) {
  std::span<std::byte> input = std::as_writable_bytes(std::span(bytes));
  EXPECT_EQ(exchange.take_body(input), expect_complete);
  return {reinterpret_cast<const char*>(input.data()), input.size()};
}

int refusal(const std::string& fields) {
  const ClientRequest request = request_of("POST / HTTP/1.1\r\n" + fields + "\r\n");
  const HttpExchange exchange(request);
  return exchange.error() ? exchange.error()->status : 0;
}

TEST(HttpExchange, IsWholeAtOnceWithoutALength) {
  const ClientRequest request = request_of("GET /a?b=c HTTP/1.1\r\nHost: x\r\nX-Y: z\r\n\r\n");
  HttpExchange exchange(request);
  EXPECT_FALSE(exchange.error());
  EXPECT_EQ(feed(exchange, "next", true), "next");
  EXPECT_EQ(exchange.method(), "GET");
  EXPECT_EQ(exchange.path(), "/a");
  EXPECT_EQ(exchange.query(), "b=c");
  EXPECT_EQ(exchange.header("x-y"), "z");
  EXPECT_EQ(exchange.body(), "");
  EXPECT_EQ(exchange.remote_address(), "192.0.2.7");
}

TEST(HttpExchange, TakesItsBodyCutAnywhereAndNothingBehindIt) {
  const std::string body = "0123456789";
  for (std::size_t cut = 0; cut <= body.size(); ++cut) {
    const ClientRequest request = request_of("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n");
    HttpExchange exchange(request);
    EXPECT_EQ(feed(exchange, body.substr(0, cut), cut == body.size()), "");
    if (cut < body.size()) {
      EXPECT_EQ(feed(exchange, body.substr(cut) + "more", true), "more");
    }
    EXPECT_EQ(exchange.body(), body);
  }
}

TEST(HttpExchange, RefusesBodiesThatItDoesNotRead) {
  EXPECT_EQ(refusal("Host: x\r\nContent-Length: 65536\r\n"), 0);
  EXPECT_EQ(refusal("Host: x\r\nContent-Length: 65537\r\n"), 413);
  EXPECT_EQ(refusal("Host: x\r\nTransfer-Encoding: chunked\r\n"), 411);
  EXPECT_EQ(refusal("Content-Length: 1\r\n"), 400);
  EXPECT_EQ(refusal("Host: x\r\nHost: y\r\n"), 400);
}

TEST(HttpExchange, GoesOnInAnotherWorkerFromItsBytes) {
  const std::string head = "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n";
  const ClientRequest request = request_of(head);
  HttpExchange exchange(request);
  feed(exchange, "01234", false);
  const auto bytes = exchange.unfinished_input();
  EXPECT_EQ(std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size()), head + "01234");
}

TEST(HttpExchange, KnowsWhoWaitsToBeToldToContinue) {
  const auto waits = [](const std::string& fields) {
    const ClientRequest request = request_of("POST / HTTP/1.1\r\nHost: x\r\n" + fields + "\r\n");
    return HttpExchange(request).wants_continue();
  };
  EXPECT_TRUE(waits("Content-Length: 1\r\nExpect: 100-Continue\r\n"));
  EXPECT_FALSE(waits("Content-Length: 0\r\nExpect: 100-continue\r\n"));
  EXPECT_FALSE(waits("Content-Length: 1\r\n"));
}

TEST(ResponseDraft, IsAnEmpty200UntilItIsTold) {
  ResponseDraft draft;
  const auto response = draft.take();
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.body, "");
}

TEST(ResponseDraft, RefusesStatusesThatAreNoAnswer) {
  ResponseDraft draft;
  for (const std::uint16_t status : std::initializer_list<std::uint16_t>{0, 100, 101, 199, 600, 999}) {
    EXPECT_THROW(draft.set_status(status), std::invalid_argument) << status;
  }
  draft.set_status(599);
  draft.write("a");
  draft.write("b");
  const auto response = draft.take();
  EXPECT_EQ(response.status, 599);
  EXPECT_EQ(response.body, "ab");
}

}  // namespace
}  // namespace wsd::worker
