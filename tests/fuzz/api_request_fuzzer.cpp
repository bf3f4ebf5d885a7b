// An API client's bytes, through the connection and what requests mean, to a backend that answers at once.

#include <sys/epoll.h>
#include <sys/socket.h>

#include <memory>
#include <string>

#include "tests/fuzz/fuzz_input.h"
#include "tests/unit/worker/support/fake_api_backend.h"
#include "worker/api_connection.h"
#include "worker/tcp_transport.h"

namespace wsd::fuzz {
namespace {

using worker::ApiConnection;
using worker::ApiContext;
using worker::Transfer;

// A client that sent these bytes, and reads whatever it is sent.
struct Stream {
  std::span<const std::byte> input;
  std::string output;
  bool shut = false;
};

class StreamTransport final : public worker::Transport {
 public:
  StreamTransport(Stream& stream, worker::FileDescriptor descriptor)
      : stream_(stream), descriptor_(std::move(descriptor)) {}

  Transfer read(std::span<std::byte>, std::span<std::byte> buffer) override {
    const std::size_t count = std::min(buffer.size(), stream_.input.size());
    if (count == 0) return {.status = Transfer::Status::would_block};
    std::ranges::copy(stream_.input.first(count), buffer.begin());
    stream_.input = stream_.input.subspan(count);
    return {.status = Transfer::Status::done, .bytes = count};
  }
  Transfer write(std::span<const iovec> pieces) override {
    std::size_t count = 0;
    for (const iovec& piece : pieces) {
      stream_.output.append(static_cast<const char*>(piece.iov_base), piece.iov_len);
      count += piece.iov_len;
    }
    return {.status = Transfer::Status::done, .bytes = count};
  }
  void shutdown_write() override { stream_.shut = true; }
  void abort() override {}
  [[nodiscard]] int descriptor() const override { return descriptor_.get(); }

 private:
  Stream& stream_;
  worker::FileDescriptor descriptor_;
};

struct Result {
  std::string output;
  std::vector<std::string> calls;
  bool shut = false;
  bool operator==(const Result&) const = default;
};

worker::FileDescriptor any_socket() {
  return worker::FileDescriptor(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
}

class Client {
 public:
  explicit Client(std::string_view token) : context_(loop_, poller_, limits_, backend_, token, buffer_) {}

  Result run(const Pieces& pieces) {
    Stream stream;
    ApiConnection connection(context_, std::make_unique<StreamTransport>(stream, any_socket()), "192.0.2.7");
    FUZZ_ASSERT(connection.start());
    for (const Bytes& piece : pieces) {
      stream.input = piece;
      while (!stream.input.empty() && !connection.is_gone()) connection.handle_ready(EPOLLIN);
      for (int i = 0; i < 5; ++i) connection.handle_ready(EPOLLOUT);  // turns for the requests that wait
    }
    FUZZ_ASSERT(!connection.is_gone());  // it is the client who ends the stream
    const auto state = connection.save();
    FUZZ_ASSERT(state.output.empty());
    return {stream.output, backend_.calls, stream.shut};
  }

 private:
  worker::Loop loop_;
  worker::Poller poller_{loop_, [] {}};
  worker::Limits limits_{.max_message = 500};
  worker::test::FakeApiBackend backend_;
  std::vector<std::byte> buffer_ = std::vector<std::byte>(8192);
  ApiContext context_;
};

// Answers are whole, one behind the other, and nothing else is sent.
void check_output(std::string_view output, bool shut) {
  bool closes = false;
  while (!output.empty()) {
    FUZZ_ASSERT(!closes);
    FUZZ_ASSERT(output.starts_with("HTTP/1.1 "));
    const std::size_t head_end = output.find("\r\n\r\n");
    FUZZ_ASSERT(head_end != std::string_view::npos);
    const std::string_view head = output.substr(0, head_end);
    output.remove_prefix(head_end + 4);
    if (head == "HTTP/1.1 100 Continue") continue;
    FUZZ_ASSERT(head.find("Content-Type: application/json") != std::string_view::npos);
    closes = head.find("Connection: close") != std::string_view::npos;
    const std::size_t length_at = head.find("Content-Length: ");
    FUZZ_ASSERT(length_at != std::string_view::npos);
    const auto length = static_cast<std::size_t>(std::stoul(std::string(head.substr(length_at + 16, 10))));
    const bool has_body = output.starts_with('{');  // none behind a HEAD
    FUZZ_ASSERT(!has_body || length <= output.size());
    if (has_body) output.remove_prefix(length);
  }
  FUZZ_ASSERT(closes == shut);
}

}  // namespace
}  // namespace wsd::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace wsd::fuzz;
  const Input input(data, size);
  const std::string_view token = input.option % 2 == 0 ? "" : "s3cret";
  const Result result =
      same_for_any_chunking(input, [token](const Pieces& pieces) { return Client(token).run(pieces); });
  check_output(result.output, result.shut);
  return 0;
}
