#include "worker/api_service.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/unit/worker/support/fake_api_backend.h"
#include "tests/unit/worker/support/sockets.h"

namespace wsd::worker {
namespace {

using test::FakeApiBackend;
using test::Peer;
using testing::EndsWith;
using testing::HasSubstr;

const std::string health = "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n";
const std::string list = "GET /v1/channels HTTP/1.1\r\nHost: localhost\r\n\r\n";

class ApiServiceTest : public testing::Test {
 protected:
  Peer connect() {
    auto [ours, theirs] = test::socket_pair();
    EXPECT_TRUE(service.accept(std::move(ours), "192.0.2.7"));
    return Peer(std::move(theirs));
  }
  void turn() {
    loop.turn();
    service.handle_deadlines();
    service.end_turn();
  }

  Loop loop;
  Poller poller{loop, [] {}};
  Limits limits;
  FakeApiBackend backend;
  std::vector<std::byte> buffer = std::vector<std::byte>(4096);
  ApiService service{loop, poller, limits, backend, "", buffer};
};

TEST_F(ApiServiceTest, ServesManyAndForgetsThem) {
  std::vector<Peer> peers;
  for (int i = 0; i < 20; ++i) {
    peers.push_back(connect());
    peers.back().send(health);
  }
  turn();
  EXPECT_EQ(service.size(), 20U);
  for (Peer& peer : peers) EXPECT_THAT(peer.receive(), EndsWith(R"({"status":"ok"})"));
  peers.clear();
  turn();
  EXPECT_EQ(service.size(), 0U);
}

TEST_F(ApiServiceTest, SaysGoodbyeToAll) {
  Peer idle = connect();
  Peer busy = connect();
  backend.answers_at_once = false;
  busy.send(list);
  turn();
  service.say_goodbye();
  EXPECT_EQ(idle.receive(), "");
  EXPECT_TRUE(idle.ended());
  backend.answer_one();
  EXPECT_THAT(busy.receive(), HasSubstr("Connection: close"));
  EXPECT_TRUE(busy.ended());
  idle.hang_up();
  busy.hang_up();
  turn();
  EXPECT_EQ(service.size(), 0U);
}

TEST_F(ApiServiceTest, LosesAllAtOnce) {
  Peer peer = connect();
  turn();
  service.lose();
  service.end_turn();
  EXPECT_EQ(service.size(), 0U);
  EXPECT_EQ(peer.receive(), "");
  EXPECT_TRUE(peer.ended());
}

TEST_F(ApiServiceTest, HandsItsConnectionsOver) {
  Peer asking = connect();
  Peer half = connect();
  backend.answers_at_once = false;
  asking.send(list + health);
  half.send(health.substr(0, 10));
  turn();

  std::vector<std::pair<ApiConnection::State, FileDescriptor>> handed;
  for (const auto& saved : service.save()) handed.emplace_back(saved.state, FileDescriptor(::dup(saved.descriptor)));
  ASSERT_EQ(handed.size(), 2U);
  EXPECT_THAT(asking.receive(), HasSubstr("503 Service Unavailable"));
  service.hand_over();
  EXPECT_EQ(service.size(), 0U);
  EXPECT_FALSE(asking.receive().size() > 0 || asking.ended());

  ApiService successor(loop, poller, limits, backend, "", buffer);
  for (auto& [state, socket] : handed) successor.resume(state, std::move(socket));
  half.send(health.substr(10));
  loop.turn();
  EXPECT_THAT(asking.receive(), EndsWith(R"({"status":"ok"})"));
  EXPECT_THAT(half.receive(), EndsWith(R"({"status":"ok"})"));
  backend.answer_one();  // that of the old one, which is not there
  EXPECT_EQ(asking.receive(), "");
}

TEST_F(ApiServiceTest, GoesOnWhenAHandoverComesToNothing) {
  Peer peer = connect();
  peer.send(health.substr(0, 10));
  turn();
  EXPECT_EQ(service.save().size(), 1U);
  peer.send(health.substr(10) + health);
  turn();
  EXPECT_THAT(peer.receive(), EndsWith(R"({"status":"ok"})"));
}

}  // namespace
}  // namespace wsd::worker
