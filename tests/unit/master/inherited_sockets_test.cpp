#include "master/inherited_sockets.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <string>
#include <utility>

#include "master/exit_status.h"
#include "master/socket_file.h"
#include "tests/unit/support/child_process.h"
#include "tests/unit/support/temporary_directory.h"

namespace wsd::master {
namespace {

using testing_support::ChildProcess;
using worker::FileDescriptor;

FileDescriptor tcp_socket() {
  FileDescriptor socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  EXPECT_EQ(::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
  return socket;
}

FileDescriptor listening(FileDescriptor socket) {
  EXPECT_EQ(::listen(socket.get(), 1), 0);
  return socket;
}

std::string refusal_of(FileDescriptor socket) {
  try {
    const InheritedSocket refused(std::move(socket), "web");
  } catch (const CommandError& error) {
    return error.what();
  }
  return {};
}

TEST(InheritedSocket, KnowsWhereAUnixSocketListens) {
  const testing_support::TemporaryDirectory directory;
  const std::string path = directory.file("ws.sock");
  const InheritedSocket socket(listening(bind_to_file(path, 0600)), "");
  EXPECT_EQ(socket.description(), "unix:" + path);
  EXPECT_TRUE(socket.listens_at({.scheme = Scheme::unix_socket, .host = {}, .port = 0, .path = path}, nullptr));
  EXPECT_FALSE(socket.listens_at({.scheme = Scheme::unix_socket, .host = {}, .port = 0, .path = path + "2"}, nullptr));
}

TEST(InheritedSocket, IsMadeFitForALoop) {
  const InheritedSocket socket(listening(tcp_socket()), "web");
  EXPECT_NE(::fcntl(socket.descriptor(), F_GETFL) & O_NONBLOCK, 0);
  EXPECT_NE(::fcntl(socket.descriptor(), F_GETFD) & FD_CLOEXEC, 0);
  EXPECT_TRUE(socket.description().starts_with("web at 127.0.0.1:")) << socket.description();
}

TEST(InheritedSocket, ThatDoesNotListenIsRefused) {
  EXPECT_NE(refusal_of(tcp_socket()).find("(web), which the service manager passed on"), std::string::npos);
  EXPECT_NE(refusal_of(FileDescriptor(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0))), "");
  EXPECT_NE(refusal_of(FileDescriptor(::open("/dev/null", O_RDONLY | O_CLOEXEC))), "");
}

// What a process finds that was started with these variables and two sockets from 3 on.
int found_with(const std::string& pid, const char* count, const char* names, const std::function<bool()>& check) {
  ChildProcess child([&](const auto& ready) {
    ready();
    FileDescriptor one = listening(tcp_socket());
    FileDescriptor two = listening(tcp_socket());
    const FileDescriptor high(::fcntl(two.get(), F_DUPFD, 10));
    ::dup2(one.get(), 3);
    ::dup2(high.get(), 4);
    ::setenv("LISTEN_PID", pid.empty() ? std::to_string(::getpid()).c_str() : pid.c_str(), 1);
    ::setenv("LISTEN_FDS", count, 1);
    if (names != nullptr) ::setenv("LISTEN_FDNAMES", names, 1);
    const bool holds = check();
    const bool is_gone = std::getenv("LISTEN_PID") == nullptr && std::getenv("LISTEN_FDS") == nullptr &&
                         std::getenv("LISTEN_FDNAMES") == nullptr;
    (void)one.release();  // may be one of the two
    (void)two.release();
    return holds && is_gone ? 0 : 1;
  });
  return child.wait();
}

TEST(InheritedSockets, AreTakenInTheirOrderWithTheirNames) {
  EXPECT_EQ(found_with("", "2", "web:api",
                       [] {
                         const auto sockets = take_inherited_sockets();
                         return sockets.size() == 2 && sockets[0].descriptor() == 3 && sockets[1].descriptor() == 4 &&
                                sockets[0].description().starts_with("web at ") &&
                                sockets[1].description().starts_with("api at ");
                       }),
            0);
}

TEST(InheritedSockets, NeedNoNames) {
  EXPECT_EQ(found_with("", "2", nullptr, [] { return take_inherited_sockets().size() == 2; }), 0);
}

TEST(InheritedSockets, OfAnotherProcessAreNotOurs) {
  EXPECT_EQ(found_with("1", "2", "web:api", [] { return take_inherited_sockets().empty(); }), 0);
}

TEST(InheritedSockets, ThatAreNotThereAreRefused) {
  EXPECT_EQ(found_with("", "900", nullptr,
                       [] {
                         try {
                           (void)take_inherited_sockets();
                         } catch (const CommandError& error) {
                           return error.status() == CommandStatus::usage;
                         }
                         return false;
                       }),
            0);
  EXPECT_EQ(found_with("", "nonsense", nullptr, [] { return take_inherited_sockets().empty(); }), 0);
}

}  // namespace
}  // namespace wsd::master
