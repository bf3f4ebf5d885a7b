#include "tests/wsbench/handshake.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <string>

#include "protocol/accept_key.h"

namespace wsd::bench {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

std::string text_of(const HandshakeKey& key) {
  return {key.data(), key.size()};
}

std::string response_for(const HandshakeKey& key, const std::string& upgrade = "websocket",
                         const std::string& connection = "Upgrade") {
  const protocol::AcceptKey accept = protocol::accept_key(text_of(key));
  return "HTTP/1.1 101 Switching Protocols\r\nupgrade:  " + upgrade + "\r\nCONNECTION: " + connection +
         "\r\nSec-WebSocket-Accept: " + std::string(accept.data(), accept.size()) + "\r\nX: y";
}

TEST(HandshakeTest, KeysAreSixteenRandomBytes) {
  std::set<std::string> keys;
  for (int i = 0; i < 1000; ++i) {
    const std::string key = text_of(random_key());
    EXPECT_TRUE(protocol::is_valid_key(key)) << key;
    keys.insert(key);
  }
  EXPECT_EQ(keys.size(), 1000U);
}

TEST(HandshakeTest, TheRequestHasWhatAServerAsksFor) {
  HandshakeRequest request(Url::parse("ws://example.org:81/a?b"), {"Origin: x"});
  const HandshakeKey first = random_key(), second = random_key();
  EXPECT_THAT(std::string(request.with(first)), HasSubstr("\r\nSec-WebSocket-Key: " + text_of(first) + "\r\n"));
  const std::string text(request.with(second));
  EXPECT_THAT(text, StartsWith("GET /a?b HTTP/1.1\r\nHost: example.org:81\r\n"));
  EXPECT_THAT(text, HasSubstr("\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"));
  EXPECT_THAT(text, HasSubstr("\r\nOrigin: x\r\n"));
  EXPECT_THAT(text, HasSubstr("\r\nSec-WebSocket-Key: " + text_of(second) + "\r\n"));
  EXPECT_THAT(text, Not(HasSubstr(text_of(first))));
  EXPECT_TRUE(text.ends_with("\r\n\r\n"));
}

TEST(HandshakeTest, AHostOfOnesOwnReplacesTheUrls) {
  HandshakeRequest request(Url::parse("ws://127.0.0.1/"), {"host: chat.example.org"});
  EXPECT_THAT(std::string(request.with(random_key())), Not(HasSubstr("Host: 127.0.0.1")));
}

TEST(HandshakeTest, TheResponseIsChecked) {
  const HandshakeKey key = random_key();
  EXPECT_EQ(problem_with_response(response_for(key), key), std::nullopt);
  EXPECT_EQ(problem_with_response(response_for(key, "WebSocket", "keep-alive, UPGRADE"), key), std::nullopt);
  EXPECT_THAT(*problem_with_response("HTTP/1.1 403 Forbidden\r\nX: y", key), HasSubstr("403 Forbidden"));
  EXPECT_THAT(*problem_with_response(response_for(key, "h2c"), key), HasSubstr("Upgrade"));
  EXPECT_THAT(*problem_with_response(response_for(key, "websocket", "close"), key), HasSubstr("Connection"));
  EXPECT_THAT(*problem_with_response(response_for(random_key()), key), HasSubstr("Sec-WebSocket-Accept"));
}

TEST(HandshakeTest, TheSubprotocolIsOneOfThoseOffered) {
  const auto problem = [](std::string_view chosen, const std::vector<std::string>& offered) {
    return problem_with_subprotocol("HTTP/1.1 101 X\r\nSec-WebSocket-Protocol: " + std::string(chosen), offered);
  };
  EXPECT_EQ(problem("", {}), std::nullopt);
  EXPECT_EQ(problem("b", {"a", "b"}), std::nullopt);
  EXPECT_EQ(problem("", {"a"}), "the server chose none of the subprotocols");
  EXPECT_EQ(problem("c", {"a"}), "the server chose the subprotocol c, which was not offered");
  EXPECT_EQ(problem("c", {}), "the server chose the subprotocol c, which was not offered");
}

TEST(HandshakeTest, FieldsAreFoundInAnyCase) {
  const std::string head = "HTTP/1.1 101 X\r\nA: 1\r\nLong-Name:\t2 \r\nempty:";
  EXPECT_EQ(field(head, "a"), "1");
  EXPECT_EQ(field(head, "LONG-NAME"), "2");
  EXPECT_EQ(field(head, "Empty"), "");
  EXPECT_EQ(field(head, "none"), "");
}

}  // namespace
}  // namespace wsd::bench
