#include "master/listen_url.h"

#include <gmock/gmock.h>

namespace wsd::master {
namespace {

using testing::HasSubstr;

std::string canonical(std::string_view text) {
  auto url = parse_listen_url(text);
  return url ? to_string(*url) : "refused: " + url.error();
}

TEST(ListenUrl, ReadsHostAndPort) {
  auto url = parse_listen_url("ws://0.0.0.0:8080");
  ASSERT_TRUE(url);
  EXPECT_EQ(*url, (ListenUrl{Scheme::ws, "0.0.0.0", 8080}));
}

TEST(ListenUrl, WritesTheCanonicalSpelling) {
  EXPECT_EQ(canonical("ws://0.0.0.0:8080"), "ws://0.0.0.0:8080");
  EXPECT_EQ(canonical("websocket://localhost:2346"), "ws://localhost:2346");
  EXPECT_EQ(canonical("WS://chat.example.org:1/"), "ws://chat.example.org:1");
}

TEST(ListenUrl, HoldsAnIpv6AddressWithoutItsBrackets) {
  auto url = parse_listen_url("ws://[::1]:8080");
  ASSERT_TRUE(url);
  EXPECT_EQ(url->host, "::1");
  EXPECT_TRUE(url->is_ipv6());
  EXPECT_EQ(to_string(*url), "ws://[::1]:8080");
}

TEST(ListenUrl, TakesPort80WhereNoneIsGiven) {
  EXPECT_EQ(canonical("ws://localhost"), "ws://localhost:80");
  EXPECT_EQ(canonical("ws://[::]"), "ws://[::]:80");
}

TEST(ListenUrl, LetsTheKernelChooseWithPortZero) {
  EXPECT_EQ(canonical("ws://127.0.0.1:0"), "ws://127.0.0.1:0");
}

TEST(ListenUrl, RefusesWhatCannotBeListenedOn) {
  for (const char* text : {"",
                           "ws://",
                           "ws:///",
                           "8080",
                           "0.0.0.0:8080",
                           "http://localhost:80",
                           "wss://localhost:80",
                           "ws://:8080",
                           "ws://localhost:",
                           "ws://localhost:x",
                           "ws://localhost:80x",
                           "ws://localhost:-1",
                           "ws://localhost:+1",
                           "ws://localhost:65536",
                           "ws://localhost:99999999999999999999",
                           "ws://localhost:80:80",
                           "ws://::1:8080",
                           "ws://[::1",
                           "ws://[::1:8080",
                           "ws://[]:80",
                           "ws://[127.0.0.1]:80",
                           "ws://[::1]8080",
                           "ws://10.0.0.256:80",
                           "ws://1.2.3:80",
                           "ws://a b:80",
                           "ws://user@host:80",
                           "ws://host:80/path",
                           "ws://-a:80",
                           "ws://.a:80",
                           "ws://ho\nst:80",
                           "ws://h\xFFst:80"}) {
    EXPECT_FALSE(parse_listen_url(text)) << text;
  }
}

TEST(ListenUrl, RefusesInOnePrintableLineThatShowsHowItIsDone) {
  const std::string error = parse_listen_url("ws://ho\n\x1Bst:80").error();
  EXPECT_THAT(error, HasSubstr(R"('ws://ho\n\est:80')"));
  EXPECT_THAT(error, HasSubstr("ws://0.0.0.0:8080"));
  EXPECT_EQ(error.find('\n'), std::string::npos);
}

}  // namespace
}  // namespace wsd::master
