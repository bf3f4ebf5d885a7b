#pragma once

#include <deque>
#include <utility>
#include <vector>

#include "tests/wsbench/echo_client.h"
#include "tests/wsbench/echo_messages.h"
#include "tests/wsbench/gap_watch.h"
#include "tests/wsbench/mode.h"
#include "tests/wsbench/pace.h"

namespace wsd::bench {

// Messages that the server answers with themselves. A closed loop, where each answer is followed by the next message of
// its connection and those of one event leave by one write; or, with --rate, an open one, where messages are due at a
// steady pace whatever the server does, and an answer's latency counts from then.
class EchoMode final : public Mode {
 public:
  explicit EchoMode(const ModeContext& context);

  [[nodiscard]] std::size_t held_connections() const override { return context_.connections.size(); }
  void begin() override;
  [[nodiscard]] Time next_time() const override;
  void act() override;
  void finish() override;
  [[nodiscard]] bool is_settled() const override { return outstanding_ == 0; }
  void settle() override;
  [[nodiscard]] bool is_over() const override {
    return context_.statistics().open.value() == 0 && !context_.options().reconnects();
  }

  void on_open(Connection& connection) override;
  [[nodiscard]] bool on_piece(Connection& connection, const MessagePiece& piece) override;
  void on_read(Connection& connection) override;
  void on_writable(Connection& connection) override { send_queued(connection); }
  void on_end(Connection& connection, Ending ending) override;

 private:
  void queue(EchoClient& client, Time due, std::size_t count);
  void send_queued(Connection& connection);
  void send_compressed(Connection& connection, EchoClient& client);
  void count_answer(Time due);
  void send_due();
  void reconnect_due();
  [[nodiscard]] bool explain(const Connection& connection, const MessagePiece& piece);

  ModeContext context_;
  EchoMessages messages_;
  std::vector<EchoClient> clients_;  // by index of connection
  std::vector<char> write_buffer_;
  Pace pace_;
  std::uint64_t outstanding_ = 0;  // of all clients
  std::size_t answers_ = 0;        // of the event that is being read
  std::size_t first_touched_ = 0;  // by act()
  bool sends_ = false;
  GapWatch gaps_;
  std::deque<std::pair<Time, std::size_t>> reconnects_;  // when, and which connection
};

}  // namespace wsd::bench
