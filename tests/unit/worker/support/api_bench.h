// API connections on a real loop, poller and socket pairs, with a backend that the test leads.

#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tests/unit/worker/support/fake_api_backend.h"
#include "tests/unit/worker/support/sockets.h"
#include "worker/api_connection.h"
#include "worker/tcp_transport.h"

namespace wsd::worker::test {

class ApiBench {
 public:
  explicit ApiBench(Limits limits_ = {}, std::string token = {}, std::size_t buffer_size = 256 * 1024)
      : limits(limits_), buffer_(buffer_size), context(loop, poller_, limits, backend, token, buffer_) {}
  ApiBench(const ApiBench&) = delete;
  ApiBench& operator=(const ApiBench&) = delete;
  ~ApiBench() { connections.clear(); }

  Peer connect() {
    auto [ours, theirs] = socket_pair();
    add(std::make_unique<ApiConnection>(context, std::make_unique<TcpTransport>(std::move(ours)), "192.0.2.7"));
    return Peer(std::move(theirs));
  }

  ApiConnection& add(std::unique_ptr<ApiConnection> connection) {
    last_ = connection.get();
    EXPECT_TRUE(connection->start());
    connections.emplace(last_, std::move(connection));
    return *last_;
  }

  // Whatever is ready now is handled, and the turn ends.
  void turn() {
    loop.turn();
    end_turn();
  }
  void turns(int count) {
    for (int i = 0; i < count; ++i) turn();
  }

  // Turns, and deadlines as they come, until it is so; a failure if that takes ten seconds.
  void run_until(const std::function<bool()>& condition) {
    const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (!condition()) {
      if (std::chrono::steady_clock::now() > give_up) {
        ADD_FAILURE() << "it did not come to pass";
        return;
      }
      turn();
      handle_deadlines();
    }
  }

  void handle_deadlines() {
    for (DeadlineList* list : {&context.arrivals, &context.silences, &context.endings}) {
      while (DeadlineHook* hook = list->take_due(context.now_ms()))
        static_cast<ApiConnection*>(hook)->handle_deadline();
    }
    end_turn();
  }

  [[nodiscard]] ApiConnection& last() { return *last_; }
  [[nodiscard]] bool is_empty() const { return connections.empty(); }

  Loop loop;  // asserts when it goes that everything was closed
  Limits limits;
  FakeApiBackend backend;

 private:
  void end_turn() {
    for (ApiConnection* connection : std::exchange(context.gone, {})) connections.erase(connection);
  }

  Poller poller_{loop, [] {}};
  std::vector<std::byte> buffer_;
  ApiConnection* last_ = nullptr;

 public:
  ApiContext context;
  std::map<ApiConnection*, std::unique_ptr<ApiConnection>> connections;
};

}  // namespace wsd::worker::test
