// More is sent in one turn than the output arena holds: it is flushed in between, and nothing is lost or damaged.

#include "tests/unit/worker/support/connection_bench.h"

namespace wsd::worker::test {
namespace {

constexpr std::size_t clients = 100;
constexpr std::size_t message_size = 15'000;  // copied into the arena, and together several times as much as it holds

std::string message(std::size_t client, std::size_t round) {
  std::string text = std::to_string(client) + "/" + std::to_string(round) + "/";
  return text.append(message_size - text.size(), static_cast<char>('a' + client % 26));
}

TEST(ClientConnectionFullArena, EveryMessageOfTheTurnArrivesWhole) {
  ConnectionBench bench({});
  std::vector<Peer> peers;
  std::vector<ClientConnection*> connections;
  for (std::size_t client = 0; client < clients; ++client) {
    peers.push_back(bench.open());
    connections.push_back(&bench.last());
  }
  for (std::size_t round = 0; round < 2; ++round) {
    for (std::size_t client = 0; client < clients; ++client) {
      EXPECT_EQ(connections[client]->send(message(client, round), MessageType::text), SendResult::sent);
    }
  }
  bench.end_turn();
  for (std::size_t client = 0; client < clients; ++client) {
    EXPECT_EQ(parse_frames(peers[client].receive()),
              (std::vector<Frame>{{0x81, message(client, 0)}, {0x81, message(client, 1)}}));
  }
}

TEST(ClientConnectionFullArena, AStreamThatIsFoundDeadWhileItSendsTakesNothingWithIt) {
  ConnectionBench bench({});
  Peer dying = bench.open();
  ClientConnection& doomed = bench.last();
  std::vector<Peer> peers;
  std::vector<ClientConnection*> connections;
  for (std::size_t client = 0; client < clients; ++client) {
    peers.push_back(bench.open());
    connections.push_back(&bench.last());
  }
  dying.hang_up();
  for (std::size_t client = 0; client < clients; ++client) {
    (void)doomed.send(message(client, 7), MessageType::text);
    EXPECT_EQ(connections[client]->send(message(client, 0), MessageType::text), SendResult::sent);
  }
  EXPECT_EQ(doomed.send(message(0, 8), MessageType::text), SendResult::dropped);
  bench.end_turn();
  for (std::size_t client = 0; client < clients; ++client) {
    EXPECT_EQ(parse_frames(peers[client].receive()), (std::vector<Frame>{{0x81, message(client, 0)}}));
  }
}

}  // namespace
}  // namespace wsd::worker::test
