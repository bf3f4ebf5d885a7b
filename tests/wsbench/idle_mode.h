#pragma once

#include <vector>

#include "tests/wsbench/echo_client.h"
#include "tests/wsbench/echo_messages.h"
#include "tests/wsbench/mode.h"

namespace wsd::bench {

// Connections that say nothing but Pong. With --greet each has had one message answered before: what a server keeps for
// a connection that has talked may be more than for one that never did.
class IdleMode final : public Mode {
 public:
  explicit IdleMode(const ModeContext& context);

  [[nodiscard]] std::size_t held_connections() const override { return context_.connections.size(); }
  void begin() override {}
  void finish() override {}
  [[nodiscard]] bool is_settled() const override { return greetings_ == 0; }
  void settle() override { context_.statistics().errors.lost.add(greetings_); }
  [[nodiscard]] bool is_over() const override { return context_.statistics().open.value() == 0; }

  void on_open(Connection& connection) override;
  [[nodiscard]] bool on_piece(Connection& connection, const MessagePiece& piece) override;
  void on_read(Connection&) override {}
  void on_writable(Connection&) override {}
  void on_end(Connection& connection, Ending ending) override;

 private:
  ModeContext context_;
  EchoMessages messages_;
  std::vector<EchoClient> clients_;  // by index of connection; none without --greet
  std::uint64_t greetings_ = 0;      // that are not answered
};

}  // namespace wsd::bench
