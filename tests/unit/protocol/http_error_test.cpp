#include "protocol/http_error.h"

#include <gtest/gtest.h>

namespace wsd::protocol {
namespace {

TEST(HttpError, BecomesAWholeResponse) {
  EXPECT_EQ(serialize({400, "What was wrong.", {}}),
            "HTTP/1.1 400 Bad Request\r\n"
            "Content-Type: text/plain; charset=utf-8\r\n"
            "Content-Length: 16\r\n"
            "Connection: close\r\n"
            "\r\n"
            "What was wrong.\n");
}

TEST(HttpError, CarriesTheHeadersItsStatusNeeds) {
  EXPECT_EQ(serialize({503, "Full.", {{"Retry-After", "1"}, {"X-Other", "2"}}}),
            "HTTP/1.1 503 Service Unavailable\r\n"
            "Content-Type: text/plain; charset=utf-8\r\n"
            "Content-Length: 6\r\n"
            "Connection: close\r\n"
            "Retry-After: 1\r\n"
            "X-Other: 2\r\n"
            "\r\n"
            "Full.\n");
}

TEST(HttpError, NamesUpgradeInConnection) {
  const std::string response = serialize({426, "Upgrade.", {{"Upgrade", "websocket"}}});
  EXPECT_NE(response.find("\r\nConnection: close, Upgrade\r\nUpgrade: websocket\r\n"), std::string::npos) << response;
}

TEST(HttpError, KnowsThePhrasesOfTheStatusesThatAServerGives) {
  EXPECT_EQ(reason_phrase(405), "Method Not Allowed");
  EXPECT_EQ(reason_phrase(408), "Request Timeout");
  EXPECT_EQ(reason_phrase(426), "Upgrade Required");
  EXPECT_EQ(reason_phrase(431), "Request Header Fields Too Large");
  EXPECT_EQ(reason_phrase(505), "HTTP Version Not Supported");
  EXPECT_EQ(reason_phrase(599), "Error");
}

}  // namespace
}  // namespace wsd::protocol
