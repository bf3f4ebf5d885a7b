// The floor: what an echo costs when a server does nothing else. Raw epoll, one recv and one send per readable event,
// unmasking, and no more of RFC 6455 than the opening handshake, data frames as they come and an answer to Close.
// It trusts its client: no UTF-8 check, no limits, no fragments, no timeouts. For comparison on a loopback only.
//
// With --fan-out a message goes to all other connections instead, by one send() each.
//
//   floor [--port N] [--prefix TEXT] [--fan-out]      prints "listening on PORT"

#include <arpa/inet.h>
#include <getopt.h>
#include <malloc.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "tests/load/handshake.h"
#include "tests/load/mask.h"

namespace wsd::load {
namespace {

constexpr std::size_t read_size = 256 * 1024;
constexpr std::size_t copied_below = 4096;  // larger payloads are unmasked and sent where they lie
constexpr unsigned char close_opcode = 0x8;

[[noreturn]] void fail(const char* operation) {
  std::perror(operation);
  std::exit(1);
}

// Bytes that the kernel has not taken yet.
struct Unsent {
  std::unique_ptr<char[]> owner;
  std::string_view bytes;
};

// What a connection needs only while bytes wait for more bytes, or for the kernel.
struct Waiting {
  std::string head;               // too few bytes to tell how long the frame or the handshake is
  std::unique_ptr<char[]> frame;  // received in place, once its length is known
  std::size_t frame_size = 0, frame_received = 0;
  Unsent unsent;

  [[nodiscard]] bool is_over() const { return head.empty() && !frame && unsent.bytes.empty(); }
};

struct Connection {
  std::unique_ptr<Waiting> waiting;
  bool is_open = false;  // the handshake is done
  bool leaves = false;   // closed as soon as everything is sent
};

// A client's frame, once it is whole.
struct Frame {
  unsigned char first;  // FIN, RSV and opcode: the answer has the same
  std::uint32_t key;
  char* payload;
  std::size_t size;
};

// The length of the frame at `bytes`, with its header; 0 as long as that cannot be told.
std::size_t frame_at(char* bytes, std::size_t size, Frame& frame) {
  if (size < 6) return 0;
  const auto byte = [bytes](std::size_t i) { return static_cast<unsigned char>(bytes[i]); };
  frame.first = byte(0);
  frame.size = byte(1) & 0x7FU;
  std::size_t header = 2;
  if (frame.size >= 126) {
    header = frame.size == 126 ? 4 : 10;
    if (size < header + 4) return 0;
    frame.size = 0;
    for (std::size_t i = 2; i < header; ++i) frame.size = (frame.size << 8U) | byte(i);
  }
  std::memcpy(&frame.key, bytes + header, 4);
  frame.payload = bytes + header + 4;
  return header + 4 + frame.size;
}

std::size_t write_header(char* to, unsigned char first, std::size_t size) {
  to[0] = static_cast<char>(first);
  if (size < 126) {
    to[1] = static_cast<char>(size);
    return 2;
  }
  const std::size_t length_size = size < 65536 ? 2 : 8;
  to[1] = length_size == 2 ? 126 : 127;
  for (std::size_t i = 0; i < length_size; ++i)
    to[2 + i] = static_cast<char>((size >> (8 * (length_size - 1 - i))) & 0xFFU);
  return 2 + length_size;
}

// The answers of one turn: small ones side by side in one buffer, the payload of a large one where it was received.
class Output {
 public:
  // The worst turn, nothing but empty frames of 6 bytes, is answered with a header and the prefix for each.
  explicit Output(std::string prefix) : prefix_(std::move(prefix)), buffer_((prefix_.size() + 10) * read_size / 6) {}

  void echo(const Frame& frame) {
    const bool is_data = frame.first % 16 != close_opcode;
    const std::string_view prefix = is_data ? std::string_view(prefix_) : std::string_view();
    end_ += write_header(buffer_.data() + end_, frame.first, prefix.size() + frame.size);
    text(prefix);
    if (frame.size < copied_below) {
      mask_copy(buffer_.data() + end_, frame.payload, frame.size, frame.key);
      end_ += frame.size;
    } else {
      mask_in_place(frame.payload, frame.size, frame.key);
      end_piece();
      pieces_.push_back({frame.payload, frame.size});
    }
  }

  void text(std::string_view bytes) { end_ += bytes.copy(buffer_.data() + end_, bytes.size()); }

  // One send. What the kernel does not take stays in `frame`, if that is where it lies, or is copied.
  Unsent send_to(int socket, std::unique_ptr<char[]> frame) {
    end_piece();
    if (pieces_.empty()) return {};
    msghdr message{};
    message.msg_iov = pieces_.data();
    message.msg_iovlen = pieces_.size();
    const ssize_t sent = pieces_.size() == 1 ? ::send(socket, pieces_[0].iov_base, pieces_[0].iov_len, MSG_NOSIGNAL)
                                             : ::sendmsg(socket, &message, MSG_NOSIGNAL);
    remove_sent(sent < 0 ? 0 : static_cast<std::size_t>(sent));
    Unsent unsent = rest(std::move(frame));
    pieces_.clear();
    begin_ = end_ = 0;
    return unsent;
  }

 private:
  void end_piece() {
    if (end_ > begin_) pieces_.push_back({buffer_.data() + begin_, end_ - begin_});
    begin_ = end_;
  }

  void remove_sent(std::size_t sent) {
    auto piece = pieces_.begin();
    for (; piece != pieces_.end() && sent >= piece->iov_len; ++piece) sent -= piece->iov_len;
    pieces_.erase(pieces_.begin(), piece);
    if (pieces_.empty()) return;
    pieces_[0].iov_base = static_cast<char*>(pieces_[0].iov_base) + sent;
    pieces_[0].iov_len -= sent;
  }

  Unsent rest(std::unique_ptr<char[]> frame) const {
    if (pieces_.empty()) return {};
    if (frame && pieces_.size() == 1)
      return {std::move(frame), {static_cast<char*>(pieces_[0].iov_base), pieces_[0].iov_len}};
    std::size_t size = 0;
    for (const iovec& piece : pieces_) size += piece.iov_len;
    auto copy = std::make_unique_for_overwrite<char[]>(size);
    char* end = copy.get();
    for (const iovec& piece : pieces_) end = std::copy_n(static_cast<const char*>(piece.iov_base), piece.iov_len, end);
    const std::string_view bytes(copy.get(), size);
    return {std::move(copy), bytes};
  }

  std::string prefix_;
  std::vector<char> buffer_;
  std::vector<iovec> pieces_;
  std::size_t begin_ = 0, end_ = 0;  // of the piece that is growing
};

class Floor {
 public:
  Floor(std::uint16_t port, std::string prefix, bool fans_out) : fans_out_(fans_out), output_(std::move(prefix)) {
    listen_on(port);
  }

  [[noreturn]] void run() {
    std::array<epoll_event, 1024> events{};
    while (true) {
      const int count = ::epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), -1);
      for (int i = 0; i < count; ++i) handle(events[static_cast<std::size_t>(i)]);
    }
  }

 private:
  void listen_on(std::uint16_t port) {
    sockaddr_in address{};
    socklen_t size = sizeof address;
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(port);
    const int on = 1;
    ::setsockopt(listener_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    ::setsockopt(listener_, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);  // several of them share the connections
    auto* generic = reinterpret_cast<sockaddr*>(&address);
    if (::bind(listener_, generic, sizeof address) != 0 || ::listen(listener_, 4096) != 0) fail("listen");
    ::getsockname(listener_, generic, &size);
    std::printf("listening on %d\n", ntohs(address.sin_port));
    std::fflush(stdout);
    watch(EPOLL_CTL_ADD, listener_, EPOLLIN);
  }

  void watch(int operation, int socket, std::uint32_t interest) {
    epoll_event event{};
    event.events = interest;
    event.data.fd = socket;
    if (::epoll_ctl(epoll_, operation, socket, &event) != 0) fail("epoll_ctl");
  }

  void handle(const epoll_event& event) {
    const int socket = event.data.fd;
    if (socket == listener_) return accept_all();
    if ((event.events & EPOLLOUT) != 0) return send_the_rest(socket);
    receive(socket);
  }

  void accept_all() {
    const int on = 1;
    for (int socket = 0; (socket = ::accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0;) {
      ::setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
      const auto index = static_cast<std::size_t>(socket);
      if (connections_.size() <= index) connections_.resize(2 * index + 16);
      watch(EPOLL_CTL_ADD, socket, EPOLLIN);
    }
  }

  void receive(int socket) {
    Connection& connection = connections_[static_cast<std::size_t>(socket)];
    if (connection.waiting && connection.waiting->frame) return receive_frame(socket, connection);
    const std::size_t old = connection.waiting ? connection.waiting->head.copy(read_buffer_.data(), read_size) : 0;
    const ssize_t count = ::recv(socket, read_buffer_.data() + old, read_size - old, 0);
    if (count < 0 && errno == EAGAIN) return;
    if (count <= 0) return close(socket);
    if (old > 0) connection.waiting->head.clear();
    answer(connection, old + static_cast<std::size_t>(count));
    flush(socket, connection);
  }

  // What is missing of a frame goes where the frame is, what follows it into the read buffer: one system call.
  void receive_frame(int socket, Connection& connection) {
    Waiting& waiting = *connection.waiting;
    const std::size_t missing = waiting.frame_size - waiting.frame_received;
    const std::array<iovec, 2> into{
        {{waiting.frame.get() + waiting.frame_received, missing}, {read_buffer_.data(), read_size}}};
    const ssize_t count = ::readv(socket, into.data(), into.size());
    if (count < 0 && errno == EAGAIN) return;
    if (count <= 0) return close(socket);
    waiting.frame_received += static_cast<std::size_t>(count);
    if (waiting.frame_received < waiting.frame_size) return;
    auto bytes = std::move(waiting.frame);
    Frame frame{};
    frame_at(bytes.get(), waiting.frame_size, frame);
    echo(connection, frame);
    answer(connection, waiting.frame_received - waiting.frame_size);
    flush(socket, connection, std::move(bytes));
  }

  // Answers every whole frame of the read buffer and keeps what is left.
  void answer(Connection& connection, std::size_t size) {
    char* bytes = read_buffer_.data();
    std::size_t at = connection.is_open ? 0 : answer_handshake(connection, std::string_view(bytes, size));
    std::size_t length = 0;
    for (Frame frame{}; connection.is_open && (length = frame_at(bytes + at, size - at, frame)) != 0; at += length) {
      if (length > size - at) return keep_frame(connection, bytes + at, size - at, length);
      echo(connection, frame);
    }
    if (at < size) kept(connection).head.assign(bytes + at, size - at);
  }

  void echo(Connection& connection, const Frame& frame) {
    const bool is_close = frame.first % 16 == close_opcode;
    if (fans_out_ && !is_close) return fan_out(socket_of(connection), frame);
    output_.echo(frame);
    connection.leaves |= is_close;
  }

  // Its clients read: one whose socket takes no whole message ends the measurement.
  void fan_out(int publisher, const Frame& frame) {
    fanned_out_.resize(10 + frame.size);
    const std::size_t header = write_header(fanned_out_.data(), frame.first, frame.size);
    mask_copy(fanned_out_.data() + header, frame.payload, frame.size, frame.key);
    const auto size = static_cast<ssize_t>(header + frame.size);
    for (const int socket : open_) {
      if (socket == publisher) continue;
      const ssize_t sent = ::send(socket, fanned_out_.data(), header + frame.size, MSG_NOSIGNAL);
      if (sent != size && errno != EPIPE && errno != ECONNRESET) fail("send to a client that does not read");
    }
  }

  [[nodiscard]] int socket_of(const Connection& connection) const {
    return static_cast<int>(&connection - connections_.data());
  }

  static Waiting& kept(Connection& connection) {
    if (!connection.waiting) connection.waiting = std::make_unique<Waiting>();
    return *connection.waiting;
  }

  static void keep_frame(Connection& connection, const char* bytes, std::size_t received, std::size_t size) {
    Waiting& waiting = kept(connection);
    waiting.frame = std::make_unique_for_overwrite<char[]>(size);
    waiting.frame_size = size;
    waiting.frame_received = received;
    std::memcpy(waiting.frame.get(), bytes, received);
  }

  std::size_t answer_handshake(Connection& connection, std::string_view bytes) {
    const auto end = bytes.find("\r\n\r\n");
    if (end == std::string_view::npos) return 0;
    output_.text(upgrade_response(field(bytes.substr(0, end), "Sec-WebSocket-Key")));
    connection.is_open = true;
    if (fans_out_) open_.push_back(socket_of(connection));
    return end + 4;
  }

  void flush(int socket, Connection& connection, std::unique_ptr<char[]> frame = {}) {
    Unsent unsent = output_.send_to(socket, std::move(frame));
    if (!unsent.bytes.empty()) {
      kept(connection).unsent = std::move(unsent);
      watch(EPOLL_CTL_MOD, socket, EPOLLOUT);  // and reads no more until the client has read
    } else if (connection.leaves) {
      close(socket);
    } else if (connection.waiting && connection.waiting->is_over()) {
      connection.waiting.reset();
    }
  }

  void send_the_rest(int socket) {
    Connection& connection = connections_[static_cast<std::size_t>(socket)];
    Unsent& unsent = connection.waiting->unsent;
    const ssize_t sent = ::send(socket, unsent.bytes.data(), unsent.bytes.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno != EAGAIN) return close(socket);
    if (sent > 0) unsent.bytes.remove_prefix(static_cast<std::size_t>(sent));
    if (!unsent.bytes.empty()) return;
    if (connection.leaves) return close(socket);
    unsent = {};
    watch(EPOLL_CTL_MOD, socket, EPOLLIN);
  }

  void close(int socket) {
    if (fans_out_) std::erase(open_, socket);
    connections_[static_cast<std::size_t>(socket)] = Connection{};
    ::close(socket);
  }

  int epoll_ = ::epoll_create1(EPOLL_CLOEXEC);
  int listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  std::vector<Connection> connections_;  // by descriptor
  std::vector<int> open_;                // sockets whose handshake is done
  std::vector<char> read_buffer_ = std::vector<char>(read_size);
  bool fans_out_;
  std::vector<char> fanned_out_;  // the frame that goes to everybody
  Output output_;
};

}  // namespace
}  // namespace wsd::load

int main(int argc, char** argv) {
  int port = 0;
  std::string prefix;
  bool fans_out = false;
  const option options[] = {{"port", required_argument, nullptr, 'p'},
                            {"prefix", required_argument, nullptr, 'x'},
                            {"fan-out", no_argument, nullptr, 'f'},
                            {}};
  for (int choice = 0; (choice = ::getopt_long(argc, argv, "", options, nullptr)) != -1;) {
    if (choice == 'p') port = std::atoi(optarg);
    if (choice == 'x') prefix = optarg;
    if (choice == 'f') fans_out = true;
    if (choice == '?') return 2;
  }
  ::mallopt(M_MMAP_THRESHOLD, 1 << 30);  // large frames in pages that are already there
  ::mallopt(M_TRIM_THRESHOLD, 1 << 30);
  wsd::load::Floor(static_cast<std::uint16_t>(port), prefix, fans_out).run();
}
