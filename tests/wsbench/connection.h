// One WebSocket client: opening handshake, frames both ways, closing handshake. Knows no mode: what to send, when, and
// what an answer ought to be are its owner's business.

#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/scratch_buffer.h"
#include "tests/wsbench/client_deflate.h"
#include "tests/wsbench/client_frame.h"
#include "tests/wsbench/clock.h"
#include "tests/wsbench/frame_reader.h"
#include "tests/wsbench/handshake.h"
#include "tests/wsbench/options.h"
#include "tests/wsbench/poller.h"
#include "tests/wsbench/socket.h"
#include "tests/wsbench/statistics.h"
#include "tests/wsbench/tls_stream.h"

namespace wsd::bench {

class Connection;

// How a connection ended.
enum class Ending : std::uint8_t {
  orderly,    // we closed, and the server answered as §7 asks
  refused,    // it never was one: no TCP connection
  handshake,  // the opening handshake failed
  closed,     // by the server, unasked
  wrong,      // the server sent what it must not
};

// Some bytes of a message that the server sent.
struct MessagePiece {
  protocol::Opcode opcode{};  // text or binary
  std::uint64_t offset = 0;   // of the bytes in the message
  std::span<const std::byte> bytes;
  bool ends_message = false;
};

// What a connection tells whoever it works for. Each call may send on the connection; none may destroy it, and only
// on_end(), where it is idle again, may connect() it anew.
class ConnectionOwner {
 public:
  virtual void on_open(Connection& connection) = 0;
  // False: not what ought to come. The connection ends as wrong; the owner has counted and explained it.
  [[nodiscard]] virtual bool on_piece(Connection& connection, const MessagePiece& piece) = 0;
  // All that one readable event brought has been given to on_piece(), and it was something.
  virtual void on_read(Connection& connection) = 0;
  // What was kept because the socket took no more has gone.
  virtual void on_writable(Connection& connection) = 0;
  // It is idle again. Counted already, unless orderly.
  virtual void on_end(Connection& connection, Ending ending) = 0;

 protected:
  ~ConnectionOwner() = default;
};

// What all connections of a process share: one thread, hence one of each.
struct ConnectionContext {
  ConnectionContext(const Options& run_options, Statistics& run_statistics);

  const Options& options;
  Statistics& statistics;
  ConnectionOwner* owner = nullptr;  // set before the first connection
  std::size_t process_index = 0;     // of options.processes: which sources are whose turn
  Poller poller;
  HandshakeRequest request;
  std::optional<TlsContext> tls;                 // with a wss URL
  protocol::ScratchBuffer compressed, inflated;  // one message each
  // Without takeover, for all connections: what the first of them has agreed on.
  std::optional<protocol::DeflateParameters> agreed;
  std::optional<ClientDeflate> deflate;
  MaskingKeys keys;
  std::vector<std::byte> read_buffer;
  Time now{};  // read after each receive, and at each turn of the loop
};

// Its address must stay while it is not idle.
class Connection {
 public:
  Connection(ConnectionContext& context, std::size_t index) : context_(context), index_(index) {}

  enum class State : std::uint8_t {
    idle,         // no socket
    handshaking,  // the request has been sent, or will be once TCP is there
    open,         // messages may flow
    closing,      // our Close is sent; the server answers it and closes
  };

  // Begins; on_open() or on_end() follows, perhaps on_end() at once.
  void connect();
  // Whole frames. What the socket does not take is kept and goes first.
  void send(std::string_view frames);
  // False: send() would keep the bytes.
  [[nodiscard]] bool takes_bytes() const { return unsent_.empty(); }
  // Appends a frame of the message: compressed, where that has been agreed on and helps. To be sent next.
  void append_message(std::string& frames, protocol::Opcode opcode, std::string_view message);
  // The same, and sends it.
  void send_message(protocol::Opcode opcode, std::string_view message);
  [[nodiscard]] bool is_compressed() const { return deflate_ != nullptr; }
  // Off: what comes waits in the kernel, and the server's end is not noticed.
  void watch_readable(bool on) { socket_.watch_readable(on); }
  // Before connect(): the socket's, in bytes; 0: the kernel's own choice.
  void set_receive_buffer(int size) { receive_buffer_ = size; }
  // Before connect(): the server may end it, which is no error.
  void allow_end() { may_end_ = true; }
  // The code of the server's Close, 1005 where it had none; 0: none has come.
  [[nodiscard]] std::uint16_t close_code() const { return close_code_; }
  // Close with 1000; on_end() follows when the server has answered.
  void send_close();
  // At once, without a word to anybody.
  void disconnect();
  // The handshake takes too long.
  void give_up();
  void handle(std::uint32_t epoll_events);

  [[nodiscard]] State state() const { return state_; }
  // Which of its process's connections it is: from 0.
  [[nodiscard]] std::size_t index() const { return index_; }

 private:
  void receive();
  // Both have said Close, and the server has ended the stream: what it might still have sent is of no interest.
  [[nodiscard]] bool is_over(bool is_stream_ending) const {
    return is_stream_ending && state_ == State::closing && has_close_;
  }
  // Returns how many bytes belong to the head.
  std::size_t read_head(std::span<const std::byte> bytes);
  void read_frames(std::span<const std::byte> bytes);
  // What is wrong with the server's choice of subprotocol and compression, for people; else it is taken.
  [[nodiscard]] std::optional<std::string> take_choices(std::string_view head);
  void begin_deflate(const protocol::DeflateParameters& agreed);
  [[nodiscard]] bool read_piece(const FrameReader::Piece& piece);
  [[nodiscard]] bool read_compressed(const FrameReader::Piece& piece);
  void read_control(const FrameReader::Piece& piece);
  void lose();  // the socket has ended
  void send_the_rest();
  void end(Ending ending);
  void fail(Ending ending, std::string_view what);

  ConnectionContext& context_;
  std::size_t index_;
  Socket socket_;
  State state_ = State::idle;
  bool has_close_ = false;  // the server's Close has come
  std::uint16_t close_code_ = 0;
  int receive_buffer_ = 0;
  bool may_end_ = false;
  FrameReader reader_;
  std::uint64_t message_offset_ = 0;
  std::string unsent_;
  ClientDeflate* deflate_ = nullptr;  // null: not agreed on
  std::unique_ptr<ClientDeflate> own_deflate_;
  std::string compressed_;  // an unfinished compressed message
  HandshakeKey key_{};
  std::string carried_;  // an unfinished response head; later an unfinished control frame's payload
};

}  // namespace wsd::bench
