#include "tests/wsbench/url.h"

#include <gtest/gtest.h>

#include <array>
#include <stdexcept>

namespace wsd::bench {
namespace {

struct Example {
  const char* text;
  bool is_secure;
  const char* host;
  std::uint16_t port;
  const char* path;
  const char* authority;
};

TEST(UrlTest, HasItsParts) {
  constexpr std::array<Example, 8> examples{{
      {"ws://127.0.0.1:8080/path", false, "127.0.0.1", 8080, "/path", "127.0.0.1:8080"},
      {"ws://example.org", false, "example.org", 80, "/", "example.org"},
      {"wss://example.org", true, "example.org", 443, "/", "example.org"},
      {"wss://example.org:80/", true, "example.org", 80, "/", "example.org:80"},
      {"ws://[::1]:9/a/b", false, "::1", 9, "/a/b", "[::1]:9"},
      {"ws://[fe80::1]/", false, "fe80::1", 80, "/", "[fe80::1]"},
      {"ws://a?token=1", false, "a", 80, "/?token=1", "a"},
      {"ws://a:65535/b?c=d:e/f#g", false, "a", 65535, "/b?c=d:e/f", "a:65535"},
  }};
  for (const Example& example : examples) {
    const Url url = Url::parse(example.text);
    EXPECT_EQ(url.is_secure, example.is_secure) << example.text;
    EXPECT_EQ(url.host, example.host) << example.text;
    EXPECT_EQ(url.port, example.port) << example.text;
    EXPECT_EQ(url.path, example.path) << example.text;
    EXPECT_EQ(url.authority(), example.authority) << example.text;
  }
}

TEST(UrlTest, RefusesWhatIsNone) {
  for (const char* text :
       {"", "a", "http://a/", "ws:a", "ws://", "ws:///path", "ws://:80/", "ws://a:0/", "ws://a:65536/", "ws://a:8o/",
        "ws://a:80:80/", "ws://::1/", "ws://[::1/", "ws://[::1]80/", "ws://u:p@a/", "ws://a/b c", "ws://a/b\r\nX: y"}) {
    EXPECT_THROW(static_cast<void>(Url::parse(text)), std::invalid_argument) << text;
  }
}

}  // namespace
}  // namespace wsd::bench
