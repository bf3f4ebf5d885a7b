#include "protocol/http_response.h"

#include <gtest/gtest.h>

namespace wsd::protocol {
namespace {

TEST(HttpResponse, HasLengthAndPlainTextByItself) {
  EXPECT_EQ(serialize_head({200, {}, "hello"}),
            "HTTP/1.1 200 OK\r\n"
            "Content-Type: text/plain; charset=utf-8\r\n"
            "Content-Length: 5\r\n"
            "Connection: close\r\n"
            "\r\n");
}

TEST(HttpResponse, KeepsTheTypeThatItIsGivenInAnyCase) {
  EXPECT_EQ(serialize_head({201, {{"content-type", "application/json"}, {"X-A", "b"}}, "{}"}),
            "HTTP/1.1 201 Created\r\n"
            "Content-Length: 2\r\n"
            "Connection: close\r\n"
            "content-type: application/json\r\n"
            "X-A: b\r\n"
            "\r\n");
}

TEST(HttpResponse, WithoutABodyHasNoType) {
  EXPECT_EQ(serialize_head({404, {}, {}}), "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
}

TEST(HttpResponse, KeepsAConnectionBySayingNothingOfIt) {
  EXPECT_EQ(serialize_head({404, {}, {}}, Afterwards::keep_alive),
            "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n");
}

TEST(HttpResponse, SaysNothingOfContentWhereItsStatusHasNone) {
  EXPECT_EQ(serialize_head({204, {}, "dropped"}), "HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n");
  EXPECT_FALSE(may_have_body(204));
  EXPECT_FALSE(may_have_body(304));
  EXPECT_TRUE(may_have_body(200));
  EXPECT_TRUE(may_have_body(500));
}

TEST(HttpResponseDeathTest, DiesOfALineEndInAHeader) {
  EXPECT_DEATH((void)serialize_head({200, {{"A", "b\r\nC: d"}}, {}}), "");
}

}  // namespace
}  // namespace wsd::protocol
