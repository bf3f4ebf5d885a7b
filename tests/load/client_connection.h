#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "tests/load/client_socket.h"
#include "tests/load/clock.h"
#include "tests/load/echo_messages.h"
#include "tests/load/errors.h"
#include "tests/load/frame_reader.h"
#include "tests/load/latency_histogram.h"
#include "tests/load/options.h"

namespace wsd::load {

// What all connections of a run share: one thread, hence one buffer to read into and one to write from.
struct LoadContext {
  explicit LoadContext(const Options& run_options);

  const Options& options;
  int epoll;
  EchoMessages messages;
  std::vector<char> read_buffer;
  std::vector<char> write_buffer;
  LatencyHistogram latencies;
  Errors errors;
};

// One client: opening handshake, messages and their verified answers, closing handshake. Knows no mode: what to send
// and when is its driver's decision. The context and the connection's address must stay as long as it lives.
class ClientConnection {
 public:
  explicit ClientConnection(LoadContext& context) : context_(context), sent_at_(context.options.pipeline) {}

  enum class State {
    idle,         // no socket
    handshaking,  // connected, the request is sent
    open,         // messages may flow
    closing,      // our Close is sent; the server answers it and closes
  };

  // What one readiness event brought.
  struct Arrival {
    std::size_t answers = 0;
    bool opened = false;
    bool ended = false;  // the connection is idle again, in order or not
  };

  // False, and counted, if it could not be connected.
  bool connect();
  void send_messages(std::size_t count);
  void send_close();
  void disconnect();
  Arrival handle(std::uint32_t epoll_events);

  [[nodiscard]] State state() const { return state_; }
  [[nodiscard]] std::uint64_t in_flight() const { return sent_ - answered_; }

 private:
  Arrival receive();
  void read_head(std::span<const char>& bytes, Arrival& arrival);
  void read_frames(std::span<const char> bytes, Arrival& arrival);
  [[nodiscard]] bool read_piece(const FrameReader::Piece& piece, Arrival& arrival);
  [[nodiscard]] bool read_control(const FrameReader::Piece& piece);
  void send_or_keep(std::string_view bytes);
  void send_the_rest();
  void fail(std::size_t& error, Arrival& arrival);

  LoadContext& context_;
  ClientSocket socket_;
  FrameReader reader_;
  State state_ = State::idle;
  bool has_close_ = false;  // the server's Close has come
  std::uint64_t sent_ = 0, answered_ = 0;
  std::vector<Clock::time_point> sent_at_;  // by message number modulo the pipeline's depth
  std::size_t owed_ = 0;                    // messages to send as soon as `unsent_` has gone
  std::string unsent_;
  std::string key_, head_, control_;  // Sec-WebSocket-Key; an unfinished response head; an unfinished control frame
};

}  // namespace wsd::load
