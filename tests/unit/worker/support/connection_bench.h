// Client connections on a real loop, poller and socket pairs, with an application that the test writes and the turn in
// the test's hand. What Server does at the end of a turn and with deadlines is done here in the same way (server.h).

#pragma once

#include <gtest/gtest.h>
#include <wsd/app.h>

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tests/unit/protocol/requests.h"
#include "tests/unit/worker/support/fake_worker.h"
#include "tests/unit/worker/support/frames.h"
#include "tests/unit/worker/support/sockets.h"
#include "worker/channels.h"
#include "worker/client_connection.h"
#include "worker/connection_context.h"
#include "worker/connection_table.h"
#include "worker/mesh_bus.h"

namespace wsd::worker::test {

using protocol::test::plain_handshake;

// To plain_handshake (RFC 6455 §1.3).
inline constexpr std::string_view plain_answer =
    "HTTP/1.1 101 Switching Protocols\r\n"
    "Upgrade: websocket\r\n"
    "Connection: Upgrade\r\n"
    "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"
    "\r\n";

using Events = std::vector<std::string>;

inline std::string event_of(const CloseInfo& info) {
  return "close " + std::to_string(info.code) + (info.clean ? " clean" : " unclean") +
         (info.reason.empty() ? "" : " " + std::string(info.reason));
}

// An application that writes down what it hears, and sends every message back.
inline App recording_echo(Events& events) {
  App app;
  app.on_open = [&events](Connection&) { events.emplace_back("open"); };
  app.on_message = [&events](Connection& connection, Message message) {
    events.push_back("message " + std::string(message.data.substr(0, 40)));
    connection.send({"", message.data}, message.type);
  };
  app.on_close = [&events](Connection&, CloseInfo info) { events.push_back(event_of(info)); };
  app.on_buffer_full = [&events](Connection&) { events.emplace_back("full"); };
  app.on_buffer_drain = [&events](Connection&) { events.emplace_back("drain"); };
  return app;
}

class ConnectionBench {
 public:
  // `incarnation`: a higher one than that of the bench that it takes over from, if it does.
  explicit ConnectionBench(App app, Limits limits_ = {}, std::uint32_t incarnation = 1)
      : limits(limits_), host_(std::move(app)), incarnation_(incarnation) {
    channels.connect(bus, context);
    bus.complete(1);
  }
  ConnectionBench(const ConnectionBench&) = delete;
  ConnectionBench& operator=(const ConnectionBench&) = delete;
  ~ConnectionBench() { connections.clear(); }

  // A client whose connection is started and nothing more; its connection has the id that last_id() tells.
  Peer connect() {
    auto [ours, theirs] = socket_pair();
    const ConnectionId id = ++last_id_;
    auto connection = std::make_unique<ClientConnection>(context, id, ClientTransport(std::move(ours)), "192.0.2.7");
    EXPECT_TRUE(connection->start());
    connections.add(std::move(connection));
    return Peer(std::move(theirs));
  }

  // One that is through its handshake, with the answer read.
  Peer open() {
    Peer peer = connect();
    peer.send(plain_handshake);
    turn();
    EXPECT_EQ(peer.receive(plain_answer.size()), plain_answer);
    return peer;
  }

  // Whatever is ready now is handled, and the turn ends.
  void turn() {
    loop.turn();
    end_turn();
  }

  void end_turn() {
    bus.flush();
    while (!context.touched.empty() || !context.notices.empty() || !context.resumed.empty() || bus.has_inbox()) {
      for (const ConnectionId id : std::exchange(context.resumed, {})) {
        if (ClientConnection* const found = connections.find(id)) found->take_waiting_input();
      }
      while (bus.has_inbox()) bus.take_inbox();
      bus.flush();
      context.flush();
      const auto told = std::exchange(context.notices, {});
      for (ClientConnection* connection : told) connection->tell();
      context.flush();
      for (ClientConnection* connection : told) {
        if (connection->is_forgotten()) connections.erase(connection->id());
      }
      bus.flush();
    }
  }

  // Turns, and deadlines as they come, until it is so; a failure if that takes ten seconds.
  void run_until(const std::function<bool()>& condition) {
    const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    auto clock = make_uv_handle<uv_timer_t>([this](uv_timer_t* handle) { return uv_timer_init(loop.get(), handle); });
    clock->data = this;
    uv_timer_start(
        clock.get(), [](uv_timer_t* handle) { static_cast<ConnectionBench*>(handle->data)->handle_deadlines(); }, 0, 1);
    end_turn();
    while (!condition()) {
      if (std::chrono::steady_clock::now() > give_up) {
        ADD_FAILURE() << "it did not come to pass";
        return;
      }
      loop.turn(Loop::Patience::until_due);
      end_turn();
    }
  }

  // With the loop's clock as it stands.
  void handle_deadlines() {
    for (DeadlineList* list : {&context.handshakes, &context.ticks, &context.endings}) {
      while (DeadlineHook* hook = list->take_due(context.now_ms())) {
        static_cast<ClientConnection*>(hook)->handle_deadline();
      }
    }
  }

  [[nodiscard]] ConnectionId last_id() const { return last_id_; }
  [[nodiscard]] ClientConnection& last() { return connections.at(last_id_); }
  [[nodiscard]] bool is_empty() const { return connections.empty(); }

  Loop loop;  // asserts when it goes that everything was closed
  Limits limits;
  ScoreboardRow counters;

 private:
  FakeWorker worker_;
  FakeAppHost host_;
  std::uint32_t incarnation_;
  Poller poller_{loop, [this] { end_turn(); }};
  ConnectionId last_id_ = 0;

 public:
  ConnectionTable connections;
  Channels channels{loop, host_, connections};
  ConnectionContext context{loop, worker_, host_, poller_, channels, counters, limits};
  MeshBus bus{
      loop, poller_, channels, counters, context.read_buffer(), {.slot = 0, .incarnation = incarnation_, .homes = 1}};
};

}  // namespace wsd::worker::test
