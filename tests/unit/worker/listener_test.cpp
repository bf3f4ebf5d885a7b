#include "worker/listener.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/resource.h>

#include <optional>
#include <vector>

#include "tests/unit/worker/support/sockets.h"

namespace wsd::worker {
namespace {

FileDescriptor listening_socket(int family = AF_INET) {
  FileDescriptor socket(::socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  sockaddr_in6 six{};
  six.sin6_family = AF_INET6;
  six.sin6_addr = in6addr_loopback;
  sockaddr_in four{};
  four.sin_family = AF_INET;
  four.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (family == AF_UNIX) {  // of its family alone, the kernel gives it a name
    const sa_family_t unnamed = AF_UNIX;
    EXPECT_EQ(::bind(socket.get(), reinterpret_cast<const sockaddr*>(&unnamed), sizeof(unnamed)), 0);
    EXPECT_EQ(::listen(socket.get(), 64), 0);
    return socket;
  }
  const int bound = family == AF_INET ? ::bind(socket.get(), reinterpret_cast<sockaddr*>(&four), sizeof(four))
                                      : ::bind(socket.get(), reinterpret_cast<sockaddr*>(&six), sizeof(six));
  EXPECT_TRUE(bound != 0 || ::listen(socket.get(), 64) == 0);
  return bound == 0 ? std::move(socket) : FileDescriptor();
}

// In the accept queue when this returns: on loopback the handshake is done by then.
FileDescriptor connect_to(int listening) {
  sockaddr_storage address{};
  socklen_t size = sizeof(address);
  EXPECT_EQ(::getsockname(listening, reinterpret_cast<sockaddr*>(&address), &size), 0);
  FileDescriptor client(::socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  EXPECT_EQ(::connect(client.get(), reinterpret_cast<sockaddr*>(&address), size), 0);
  return client;
}

class ListenerTest : public testing::Test {
 protected:
  void listen(unsigned accepts_per_turn = 64, int family = AF_INET) {
    FileDescriptor socket = listening_socket(family);
    socket_ = socket.get();
    listener_.emplace(
        poller_, std::move(socket), accepts_per_turn,
        [this](Accepted client) {
          accepted_.push_back(std::move(client));
          return verdict_;
        },
        [this] { ++exhausted_; });
  }
  void connect(int clients = 1) {
    for (int i = 0; i < clients; ++i) clients_.push_back(connect_to(socket_));
  }
  void turn() { loop_.turn(); }

  Loop loop_;
  Poller poller_{loop_, [] {}};
  std::vector<Accepted> accepted_;
  std::vector<FileDescriptor> clients_;
  int exhausted_ = 0;
  int socket_ = -1;
  Listener::Verdict verdict_ = Listener::Verdict::go_on;
  std::optional<Listener> listener_;
};

TEST_F(ListenerTest, AcceptsThoseWhoWaitNonBlockingAndWithTheirAddress) {
  listen();
  turn();
  EXPECT_TRUE(accepted_.empty());
  connect(3);
  turn();
  ASSERT_EQ(accepted_.size(), 3U);
  for (const Accepted& client : accepted_) {
    EXPECT_EQ(client.remote_address, "127.0.0.1");
    EXPECT_NE(::fcntl(client.socket.get(), F_GETFL) & O_NONBLOCK, 0);
    EXPECT_NE(::fcntl(client.socket.get(), F_GETFD) & FD_CLOEXEC, 0);
  }
  ASSERT_EQ(::send(clients_[0].get(), "x", 1, MSG_NOSIGNAL), 1);
  EXPECT_EQ(exhausted_, 0);
}

TEST_F(ListenerTest, WritesIpv6AddressesToo) {
  FileDescriptor probe = listening_socket(AF_INET6);
  if (!probe) GTEST_SKIP() << "no IPv6 here";
  listen(64, AF_INET6);
  connect();
  turn();
  ASSERT_EQ(accepted_.size(), 1U);
  EXPECT_EQ(accepted_[0].remote_address, "::1");
}

TEST_F(ListenerTest, SaysUnixWhereClientsHaveNoAddress) {
  listen(64, AF_UNIX);
  connect();
  turn();
  ASSERT_EQ(accepted_.size(), 1U);
  EXPECT_EQ(accepted_[0].remote_address, "unix:");
}

TEST_F(ListenerTest, LeavesTheRestToTheNextTurn) {
  listen(2);
  connect(5);
  turn();
  EXPECT_EQ(accepted_.size(), 2U);
  turn();
  EXPECT_EQ(accepted_.size(), 4U);
  turn();
  EXPECT_EQ(accepted_.size(), 5U);
}

TEST_F(ListenerTest, StopsForThisTurnWhenToldTo) {
  listen();
  verdict_ = Listener::Verdict::stop_for_now;
  connect(2);
  turn();
  EXPECT_EQ(accepted_.size(), 1U);
}

TEST_F(ListenerTest, APausedOneLeavesClientsInTheQueueUntilItResumes) {
  listen();
  listener_->pause();
  listener_->pause();
  connect(2);
  turn();
  EXPECT_TRUE(accepted_.empty());
  listener_->resume();
  listener_->resume();
  turn();
  EXPECT_EQ(accepted_.size(), 2U);
}

TEST_F(ListenerTest, PausingFromTheCallbackHolds) {
  FileDescriptor socket = listening_socket();
  const int listening = socket.get();
  std::optional<Listener> listener;
  int accepted = 0;
  listener.emplace(
      poller_, std::move(socket), 64,
      [&](const Accepted&) {
        ++accepted;
        listener->pause();
        return Listener::Verdict::stop_for_now;
      },
      [] {});
  const auto one = connect_to(listening);
  const auto two = connect_to(listening);
  turn();
  turn();
  EXPECT_EQ(accepted, 1);
}

TEST_F(ListenerTest, AcceptSomeTakesThoseWhoWaitAlsoWhilePaused) {
  listen();
  listener_->pause();
  connect(3);
  listener_->accept_some(2);
  EXPECT_EQ(accepted_.size(), 2U);
  listener_->accept_some(1000);
  EXPECT_EQ(accepted_.size(), 3U);
}

TEST_F(ListenerTest, OneThatIsDestroyedClosesItsSocket) {
  listen();
  listener_.reset();
  EXPECT_FALSE(test::is_open(socket_));
}

// Lowers the limit to what is open, so that the next accept has no descriptor; the soft limit, which can be raised
// again.
class NoDescriptorsLeft {
 public:
  NoDescriptorsLeft() {
    ::getrlimit(RLIMIT_NOFILE, &before_);
    rlimit lowered = before_;
    // The lowest free number: everything from there on is refused.
    const FileDescriptor next(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    lowered.rlim_cur = static_cast<rlim_t>(next.get());
    ::setrlimit(RLIMIT_NOFILE, &lowered);
  }
  ~NoDescriptorsLeft() { ::setrlimit(RLIMIT_NOFILE, &before_); }
  NoDescriptorsLeft(const NoDescriptorsLeft&) = delete;
  NoDescriptorsLeft& operator=(const NoDescriptorsLeft&) = delete;

 private:
  rlimit before_{};
};

TEST_F(ListenerTest, SaysOnceWhenThereAreNoDescriptorsLeftAndGoesOnWhenThereAre) {
  listen();
  connect(2);
  {
    // Nor for the sanitizers, which want some to check a virtual call: so not by way of the poller.
    const NoDescriptorsLeft none;
    listener_->accept_some(64);
  }
  EXPECT_EQ(exhausted_, 1);
  EXPECT_TRUE(accepted_.empty());
  turn();
  EXPECT_EQ(accepted_.size(), 2U);
  EXPECT_EQ(exhausted_, 1);
}

}  // namespace
}  // namespace wsd::worker
