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

TEST(ListenUrl, OfWssIsASecureSocket) {
  auto url = parse_listen_url("wss://0.0.0.0:8443");
  ASSERT_TRUE(url);
  EXPECT_EQ(url->scheme, Scheme::wss);
  EXPECT_EQ(url->kind, SocketKind::secure);
  EXPECT_EQ(parse_listen_url("ws://0.0.0.0:8443")->kind, SocketKind::websocket);
  EXPECT_EQ(canonical("WSS://chat.example.org"), "wss://chat.example.org:443");
  EXPECT_EQ(canonical("wss://[::1]:1"), "wss://[::1]:1");
  EXPECT_FALSE(parse_listen_url("wss://0.0.0.0:8443", SocketKind::api));
  EXPECT_TRUE(parse_listen_url("wss://0.0.0.0:8443", SocketKind::secure)) << "as the state of a server spells it";
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

TEST(ListenUrl, ReadsThePathOfAUnixSocket) {
  for (const SocketKind kind : {SocketKind::websocket, SocketKind::api}) {
    auto url = parse_listen_url("unix:/run/wsd/chat.ws", kind);
    ASSERT_TRUE(url);
    EXPECT_TRUE(url->is_unix());
    EXPECT_EQ(url->path, "/run/wsd/chat.ws");
    EXPECT_EQ(url->kind, kind);
    EXPECT_EQ(to_string(*url), "unix:/run/wsd/chat.ws");
  }
}

TEST(ListenUrl, TakesAPathAsLongAsTheKernelDoes) {
  EXPECT_TRUE(parse_listen_url("unix:/" + std::string(106, 'x')));
  EXPECT_THAT(parse_listen_url("unix:/" + std::string(107, 'x')).error(),
              HasSubstr("has 108 bytes, and the kernel takes 107"));
}

TEST(ListenUrl, OfTheApiIsHttp) {
  auto url = parse_listen_url("http://127.0.0.1:8090", SocketKind::api);
  ASSERT_TRUE(url);
  EXPECT_EQ(url->scheme, Scheme::http);
  EXPECT_EQ(url->kind, SocketKind::api);
  EXPECT_EQ(to_string(*url), "http://127.0.0.1:8090");
  EXPECT_EQ(to_string(*parse_listen_url("HTTP://[::1]", SocketKind::api)), "http://[::1]:80");
  const std::string error = parse_listen_url("ws://127.0.0.1:8090", SocketKind::api).error();
  EXPECT_THAT(error, HasSubstr("http://127.0.0.1:8090 or unix:"));
}

TEST(ListenUrl, KnowsWhatOtherMachinesCannotReach) {
  const auto is_loopback = [](std::string_view text) { return parse_listen_url(text, SocketKind::api)->is_loopback(); };
  for (const char* near : {"http://127.0.0.1:1", "http://127.8.9.10:1", "http://[::1]:1", "http://localhost:1",
                           "http://LocalHost:1", "unix:/a"}) {
    EXPECT_TRUE(is_loopback(near)) << near;
  }
  for (const char* far : {"http://0.0.0.0:1", "http://128.0.0.1:1", "http://[::]:1", "http://10.0.0.1:1",
                          "http://localhost.example.org:1", "http://[::ffff:127.0.0.1]:1"}) {
    EXPECT_FALSE(is_loopback(far)) << far;
  }
}

TEST(ListenUrl, MayBeBehindAProxy) {
  EXPECT_EQ(canonical("ws://127.0.0.1:9000?proxy"), "ws://127.0.0.1:9000?proxy");
  EXPECT_EQ(canonical("WS://[::1]/?proxy"), "ws://[::1]:80?proxy");
  EXPECT_EQ(canonical("unix:/run/x.sock?proxy"), "unix:/run/x.sock?proxy");
  EXPECT_TRUE(parse_listen_url("unix:/run/x.sock?proxy")->role().proxied);
  EXPECT_FALSE(parse_listen_url("unix:/run/x.sock")->role().proxied);
  EXPECT_NE(*parse_listen_url("ws://a:1"), *parse_listen_url("ws://a:1?proxy"));
}

TEST(ListenUrl, TellsWhatCannotBeListenedOnTogether) {
  const auto same = [](std::string_view one, std::string_view other) {
    return parse_listen_url(one)->is_same_place(*parse_listen_url(other));
  };
  EXPECT_TRUE(same("ws://a:1", "ws://A:1?proxy"));
  EXPECT_TRUE(same("unix:/a", "unix:/a?proxy"));
  EXPECT_TRUE(parse_listen_url("http://a:1", SocketKind::api)->is_same_place(*parse_listen_url("ws://a:1")));
  EXPECT_FALSE(same("ws://a:1", "ws://a:2"));
  EXPECT_FALSE(same("ws://a:1", "ws://b:1"));
  EXPECT_FALSE(same("ws://a:0", "ws://a:0")) << "each gets a port of its own";
  EXPECT_FALSE(same("unix:/a", "unix:/b"));
  EXPECT_FALSE(same("unix:/a", "ws://a:0"));
}

TEST(ListenUrl, RefusesWhatCannotBeListenedOn) {
  for (const char* text : {"",
                           "ws://",
                           "ws:///",
                           "8080",
                           "unix:",
                           "unix:/",
                           "unix:/run/",
                           "unix:/run/x?prox",
                           "unix:/run/x?proxy?proxy",
                           "unix:?proxy",
                           "ws://localhost:80?",
                           "ws://localhost:80?proxy=1",
                           "ws://localhost:80?proxy/",
                           "unix:run/chat.ws",
                           "0.0.0.0:8080",
                           "http://localhost:80",

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
