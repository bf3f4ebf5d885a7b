#include "worker/tcp_transport.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

#include <array>
#include <memory>
#include <string>
#include <vector>

#include "tests/unit/worker/support/sockets.h"
#include "worker/limits.h"

namespace wsd::worker {
namespace {

using Status = Transfer::Status;

iovec piece_of(const std::string& text, std::size_t offset = 0) {
  return {.iov_base = const_cast<char*>(text.data() + offset), .iov_len = text.size() - offset};
}

// A TCP connection over the loopback, as the master's sockets make it.
class TcpTransportTest : public testing::Test {
 protected:
  TcpTransportTest() {
    const FileDescriptor listener(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    auto* const generic = reinterpret_cast<sockaddr*>(&address);
    EXPECT_EQ(::bind(listener.get(), generic, size), 0);
    EXPECT_EQ(::listen(listener.get(), 1), 0);
    EXPECT_EQ(::getsockname(listener.get(), generic, &size), 0);
    FileDescriptor client(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    EXPECT_EQ(::connect(client.get(), generic, size), 0);
    EXPECT_EQ(::fcntl(client.get(), F_SETFL, O_NONBLOCK), 0);
    FileDescriptor accepted(::accept4(listener.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    const int unsent = Limits::unsent_in_kernel;
    EXPECT_EQ(::setsockopt(accepted.get(), IPPROTO_TCP, TCP_NOTSENT_LOWAT, &unsent, sizeof(unsent)), 0);
    peer_ = std::make_unique<test::Peer>(std::move(client));
    transport_ = std::make_unique<TcpTransport>(std::move(accepted));
  }

  // How much of it the kernel takes before it takes no more.
  std::size_t write_all_it_takes(const std::string& text) {
    std::size_t taken = 0;
    while (taken < text.size()) {
      const iovec piece = piece_of(text, taken);
      const Transfer transfer = transport_->write({&piece, 1});
      if (transfer.status != Status::done) break;
      taken += transfer.bytes;
    }
    return taken;
  }

  [[nodiscard]] int unsent_limit() const {
    int value = 0;
    socklen_t size = sizeof(value);
    EXPECT_EQ(::getsockopt(transport_->descriptor(), IPPROTO_TCP, TCP_NOTSENT_LOWAT, &value, &size), 0);
    return value;
  }

  std::unique_ptr<test::Peer> peer_;
  std::unique_ptr<TcpTransport> transport_;
};

TEST_F(TcpTransportTest, ReadsIntoTheFirstAndThenIntoTheOther) {
  std::array<std::byte, 4> first{};
  std::array<std::byte, 100> buffer{};
  EXPECT_EQ(transport_->read(first, buffer).status, Status::would_block);
  peer_->send(std::string_view("abc"));
  EXPECT_EQ(transport_->read(first, buffer).bytes, 3U);
  EXPECT_EQ(test::text_of(first).substr(0, 3), "abc");
  peer_->send(std::string_view("defgh"));
  EXPECT_EQ(transport_->read(first, buffer).bytes, 5U);
  EXPECT_EQ(test::text_of(first) + test::text_of(buffer).substr(0, 1), "defgh");
  peer_->send(std::string_view("i"));
  EXPECT_EQ(transport_->read({}, buffer).bytes, 1U);
  EXPECT_EQ(test::text_of(buffer).substr(0, 1), "i");
}

TEST_F(TcpTransportTest, OfAPeerThatHasReadNothingTheKernelHoldsLittle) {
  const std::string large(8 << 20, 'x');
  // Beyond what the peer's own buffer has room for.
  EXPECT_LT(write_all_it_takes(large), std::size_t{1} << 20);
  EXPECT_EQ(unsent_limit(), Limits::unsent_in_kernel);
}

TEST_F(TcpTransportTest, APeerThatHasReadMuchIsTrustedWithALargeWrite) {
  const std::string large(1 << 20, 'x');
  const std::size_t before = write_all_it_takes(large);
  std::size_t read = peer_->receive().size();
  for (int i = 0; i < 1000 && read < (std::size_t{4} << 20); ++i) {
    (void)write_all_it_takes(large);
    read += peer_->receive().size();
  }
  const iovec piece = piece_of(large);
  const Transfer transfer = transport_->write({&piece, 1});
  EXPECT_EQ(transfer.bytes, large.size());
  EXPECT_GT(transfer.bytes, before);
  EXPECT_EQ(unsent_limit(), Limits::unsent_in_kernel) << "for that write alone";
}

}  // namespace
}  // namespace wsd::worker
