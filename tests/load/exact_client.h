#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <random>
#include <span>
#include <string>
#include <vector>

#include "tests/load/answer_ledger.h"
#include "tests/load/client_socket.h"
#include "tests/load/clock.h"
#include "tests/load/errors.h"
#include "tests/load/frame_reader.h"
#include "tests/load/latency_histogram.h"
#include "tests/load/options.h"
#include "tests/load/outbox.h"

namespace wsd::load {

// How a client behaves, all its life.
enum class Habit {
  plain,         // whole small messages
  fragmenting,   // messages in several frames
  pinging,       // the same, with pings between the frames
  halving,       // sends half a frame, and the rest later
  large,         // messages of up to 512 KiB, some in fragments
  slow_reading,  // asks for much and does not read it for a while: the server's queue fills
  slow_opening,  // opening handshakes that take half a second, again and again
  closing,       // closing handshakes, with messages before the Close and bytes behind it
};
[[nodiscard]] Habit habit_of(std::size_t client);

// What all clients of a run share: one thread.
struct ExactContext {
  explicit ExactContext(const Options& run_options);

  const Options& options;
  int epoll;
  Clock::duration interval;  // between the messages of one connection
  std::mt19937 random;
  std::vector<char> read_buffer;

  Errors errors;
  LatencyHistogram latencies;               // of clients that read at once: from a message's last byte to its answer
  std::chrono::nanoseconds longest_gap{0};  // without an answer while one of them waited for it
  std::size_t answers = 0;
  std::size_t pongs = 0;
  std::size_t handshakes = 0;
  std::size_t closes = 0;  // closing handshakes, and each is followed by a new connection
  std::size_t rests = 0;   // times that a slow reader stopped reading
};

// One client: sends by its habit and judges every answer. Whatever ends its connection unasked, it stays away then.
// Its address must not change.
class ExactClient {
 public:
  ExactClient(ExactContext& context, std::uint64_t number, Habit habit);

  // Does what is due; returns when to ask again.
  Clock::time_point act(Clock::time_point now);
  void handle(std::uint32_t epoll_events);

  // No new connection from now on, and one last message.
  void wind_up(Clock::time_point now);
  [[nodiscard]] bool is_done() const;
  // Counts what is still without an answer as lost.
  void give_up();

  [[nodiscard]] bool is_open() const { return state_ == State::open; }
  [[nodiscard]] std::uint64_t newest_code() const { return ledger_.newest_code(); }

 private:
  enum class State {
    away,     // between two connections
    opening,  // connected; the request is on its way
    open,
    closing,  // our Close is sent or in the outbox
    parting,  // the closing handshake is done, and the server has ended the stream; ours is still open
    dead,
  };

  void connect();
  void send_due(Clock::time_point now);
  void send_next(Clock::time_point now);
  void add_message(Habit habit);
  void rest(Clock::time_point now);
  void add_close();
  void part(Clock::time_point now);
  void watch();
  void receive();
  void read_head(std::span<const char>& bytes);
  void read_frames(std::span<const char> bytes);
  void take_frame(std::uint8_t opcode);
  void take_answer(std::uint8_t opcode);
  void end_of_stream();
  void fail(std::size_t& error);
  [[nodiscard]] Clock::duration next_pause();
  [[nodiscard]] std::size_t random_size(std::size_t least, std::size_t most);

  ExactContext& context_;
  std::uint64_t number_;
  Habit habit_;
  State state_ = State::away;
  ClientSocket socket_;
  FrameReader reader_;
  Outbox outbox_;
  AnswerLedger ledger_;
  std::string key_, head_, frame_;  // Sec-WebSocket-Key; unfinished response head; unfinished frame's payload
  std::uint64_t next_message_ = 0;
  std::uint64_t last_ping_ = 0, last_pong_ = 0;
  unsigned messages_of_connection_ = 0;
  bool has_close_ = false;  // the server's Close has come
  bool winding_up_ = false, sent_last_ = false;
  bool reads_ = true, watches_writable_ = false;
  Clock::time_point next_due_;  // of the next message, or the next connection
  Clock::time_point rests_until_;
  Clock::time_point last_answer_;
};

}  // namespace wsd::load
