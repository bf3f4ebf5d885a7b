// What an echo of compressed messages costs the server beside what zlib alone takes for the same bytes:
//
//   deflate_echo PORT PID SIZE SECONDS [LEVEL]
//
// The server: `wsd start echo --set prefix= --deflate --count 1`, PID its worker. Twenty connections without context
// takeover, one message of JSON in flight on each; all answers must be the same bytes, and the first one the message.
// Prints one line of JSON: microseconds of CPU per message of the server, with compression and without, and of zlib
// (inflate and deflate, each with a reset, as the server does it). We never sleep: to wake us is work for the server,
// and it comes oftener where answers take longer, so that it would seem to be a cost of compression.

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>
#include <zlib.h>

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/load/handshake.h"
#include "tests/load/process_usage.h"

namespace wsd::load {
namespace {

using Clock = std::chrono::steady_clock;
constexpr std::size_t connections = 20;

[[noreturn]] void give_up(const char* why) {
  std::fprintf(stderr, "deflate_echo: %s\n", why);
  std::exit(1);
}

void stay_awake(Clock::duration duration) {
  for (const auto end = Clock::now() + duration; Clock::now() < end;) {
  }
}

std::string chat(std::size_t size) {
  static constexpr std::string_view words[] = {"hello", "world", "the quick", "brown fox", "jumps over", "danmaku"};
  std::string text = "[";
  for (unsigned seed = 1; text.size() < size;) {
    text += R"({"type":"said","id":")" + std::to_string(seed) + R"(","name":"Alice","text":")";
    for (int i = 0; i < 6; ++i) {
      seed = seed * 1103515245 + 12345;
      text.append(words[(seed >> 16U) % std::size(words)]).append(" ");
    }
    text += R"("},)";
  }
  return text.substr(0, size);
}

// One raw DEFLATE stream in each direction, made anew for every message.
class Zlib {
 public:
  explicit Zlib(int level) {
    if (::deflateInit2(&out_, level, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY) != Z_OK ||
        ::inflateInit2(&in_, -15) != Z_OK)
      give_up("no zlib");
  }
  ~Zlib() {
    ::deflateEnd(&out_);
    ::inflateEnd(&in_);
  }
  Zlib(const Zlib&) = delete;
  Zlib& operator=(const Zlib&) = delete;
  std::string_view deflate(std::string_view text) {
    ::deflateReset(&out_);
    const std::size_t size = run(out_, text, [](z_stream& stream) { ::deflate(&stream, Z_SYNC_FLUSH); });
    return std::string_view(room_).substr(0, size - 4);
  }
  std::string_view inflate(std::string_view data) {
    static constexpr std::string_view tail("\0\0\xFF\xFF", 4);
    ::inflateReset(&in_);
    const auto step = [](z_stream& stream) { ::inflate(&stream, Z_SYNC_FLUSH); };
    const std::size_t size = run(in_, data, step);
    run(in_, tail, step);
    return std::string_view(room_).substr(0, size);
  }

 private:
  template <typename Step>
  std::size_t run(z_stream& stream, std::string_view input, Step step) {
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(input.data()));
    stream.avail_in = static_cast<uInt>(input.size());
    stream.next_out = reinterpret_cast<Bytef*>(room_.data());
    stream.avail_out = static_cast<uInt>(room_.size());
    step(stream);
    return room_.size() - stream.avail_out;
  }

  z_stream out_{};
  z_stream in_{};
  std::string room_ = std::string(1 << 20, '\0');
};

std::string frame_of(std::string_view payload, char first_byte) {
  std::string frame{first_byte};
  if (payload.size() < 126) {
    frame += static_cast<char>(0x80U | payload.size());
  } else if (payload.size() < 65536) {
    frame += {'\xFE', static_cast<char>(payload.size() >> 8U), static_cast<char>(payload.size())};
  } else {
    give_up("messages of 64 KiB and more are not for this");
  }
  constexpr std::string_view key = "\x37\xFA\x21\x3D";
  frame += key;
  for (std::size_t i = 0; i < payload.size(); ++i) frame += static_cast<char>(payload[i] ^ key[i % 4]);
  return frame;
}

class Connection {
 public:
  Connection(std::uint16_t port, bool compressed) : socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const int on = 1;
    ::setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    if (::connect(socket_, reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0) give_up("cannot connect");
    std::string request = upgrade_request("localhost", "/", random_key());
    if (compressed) request.insert(request.size() - 2, "Sec-WebSocket-Extensions: permessage-deflate\r\n");
    send(request);
    std::string head;
    while (!head.ends_with("\r\n\r\n")) head += receive(1);
    if (compressed != (head.find("permessage-deflate") != std::string::npos)) give_up("the server does not --deflate");
  }
  Connection(Connection&& other) noexcept : socket_(std::exchange(other.socket_, -1)) {}
  ~Connection() { ::close(socket_); }

  void send(std::string_view bytes) {
    if (::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(bytes.size()))
      give_up("cannot send");
  }
  std::string receive(std::size_t size) {
    std::string bytes(size, '\0');
    for (std::size_t received = 0; received < size;) {
      const ssize_t count = ::recv(socket_, bytes.data() + received, size - received, MSG_DONTWAIT);
      if (count == 0 || (count < 0 && errno != EAGAIN)) give_up("the server has gone");
      if (count > 0) received += static_cast<std::size_t>(count);
      if (count < 0) stay_awake(std::chrono::microseconds(1));
    }
    return bytes;
  }
  std::string receive_frame() {
    std::string frame = receive(2);
    std::size_t size = static_cast<unsigned char>(frame[1]);
    if (size == 126) {
      frame += receive(2);
      size =
          static_cast<std::size_t>(static_cast<unsigned char>(frame[2])) << 8U | static_cast<unsigned char>(frame[3]);
    }
    payload_at = frame.size();
    return frame + receive(size);
  }
  std::size_t payload_at = 0;

 private:
  int socket_;
};

// Microseconds of the server's CPU per message.
double echo(std::uint16_t port, pid_t server, std::string_view message, double seconds, Zlib* zlib) {
  const std::string frame = zlib != nullptr ? frame_of(zlib->deflate(message), '\xC1') : frame_of(message, '\x81');
  std::vector<Connection> all;
  for (std::size_t i = 0; i < connections; ++i) all.emplace_back(port, zlib != nullptr);
  all[0].send(frame);
  const std::string expected = all[0].receive_frame();
  const std::string_view payload = std::string_view(expected).substr(all[0].payload_at);
  if ((zlib != nullptr ? zlib->inflate(payload) : payload) != message) give_up("a wrong answer");

  std::size_t messages = 0;
  const auto turn = [&] {
    for (Connection& one : all) one.send(frame);
    for (Connection& one : all) {
      if (one.receive_frame() != expected) give_up("a different answer");
    }
    messages += all.size();
  };
  for (int i = 0; i < 20; ++i) turn();
  messages = 0;
  const CpuTime before = cpu_time_of({server});
  for (const auto end = Clock::now() + std::chrono::duration<double>(seconds); Clock::now() < end;) turn();
  return (cpu_time_of({server}) - before).total.count() * 1e6 / static_cast<double>(messages);
}

double zlib_alone(std::string_view message, double seconds, Zlib& zlib) {
  const std::string compressed(zlib.deflate(message));
  std::size_t messages = 0;
  const std::clock_t begin = std::clock();
  for (const auto end = Clock::now() + std::chrono::duration<double>(seconds); Clock::now() < end; messages += 20) {
    for (int i = 0; i < 20; ++i) {
      if (zlib.inflate(compressed).size() != message.size() || zlib.deflate(message) != compressed) give_up("zlib?");
    }
  }
  return static_cast<double>(std::clock() - begin) * 1e6 / CLOCKS_PER_SEC / static_cast<double>(messages);
}

}  // namespace
}  // namespace wsd::load

int main(int argc, char** argv) {
  using namespace wsd::load;
  if (argc < 5) return std::fprintf(stderr, "usage: deflate_echo PORT PID SIZE SECONDS [LEVEL]\n"), 2;
  const auto port = static_cast<std::uint16_t>(std::atoi(argv[1]));
  const pid_t server = std::atoi(argv[2]);
  const std::string message = chat(static_cast<std::size_t>(std::atoi(argv[3])));
  const double seconds = std::atof(argv[4]);
  Zlib zlib(argc > 5 ? std::atoi(argv[5]) : 3);
  const std::size_t compressed = zlib.deflate(message).size();
  const double alone = zlib_alone(message, seconds, zlib);
  const double plain = echo(port, server, message, seconds, nullptr);
  const double deflated = echo(port, server, message, seconds, &zlib);
  std::printf("{\"bytes\":%zu,\"compressed\":%zu,\"server_us\":%.2f,\"server_plain_us\":%.2f,\"zlib_us\":%.2f}\n",
              message.size(), compressed, deflated, plain, alone);
}
