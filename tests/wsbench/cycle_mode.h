#pragma once

#include <vector>

#include "tests/wsbench/echo_client.h"
#include "tests/wsbench/echo_messages.h"
#include "tests/wsbench/mode.h"
#include "tests/wsbench/pace.h"
#include "tests/wsbench/random.h"

namespace wsd::bench {

// The lives of connections in a circle, on as many at the same time as there are connections:
//
//   --connect   connect, opening handshake, closing handshake; what counts is the opening handshake
//   --churn     connect, opening handshake, one echo, closing handshake; what counts is the whole
//
// With --rate, lives begin at that pace whatever the server does, and count from when they were due. With --stay, the
// first connections are open from before until after, and say nothing.
class CycleMode final : public Mode {
 public:
  explicit CycleMode(const ModeContext& context);

  [[nodiscard]] std::size_t held_connections() const override { return staying_; }
  void begin() override;
  [[nodiscard]] Time next_time() const override;
  void act() override;
  void finish() override { begins_ = false; }
  [[nodiscard]] bool is_settled() const override { return living_ == 0; }
  void settle() override;

  void on_open(Connection& connection) override;
  [[nodiscard]] bool on_piece(Connection& connection, const MessagePiece& piece) override;
  void on_read(Connection& connection) override;
  void on_writable(Connection&) override {}
  void on_end(Connection& connection, Ending ending) override;

 private:
  struct Life {
    Time due{};
    EchoClient echo{0, 1};
    bool is_answered = false;
  };

  [[nodiscard]] bool is_paced() const { return context_.options().rate > 0; }
  [[nodiscard]] bool echoes() const { return context_.options().mode == ModeName::churn; }
  void begin_life(std::size_t index, Time due);
  [[nodiscard]] bool stays(const Connection& connection) const { return connection.index() < staying_; }
  void count(const Life& life);

  ModeContext context_;
  EchoMessages messages_;
  Random random_;  // asking the processor anew costs a sixth of a life
  std::size_t staying_;
  std::vector<Life> lives_;          // by index of connection
  std::vector<std::size_t> idle_;    // their indexes
  std::vector<std::size_t> failed_;  // to be begun again, but not at once
  Pace pace_;
  Time retry_at_ = Time::max();
  std::size_t living_ = 0;
  bool begins_ = false;
};

}  // namespace wsd::bench
