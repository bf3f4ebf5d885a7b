#include "master/listening_sockets.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <set>
#include <string>
#include <vector>

#include "master/exit_status.h"
#include "master/socket_file.h"
#include "tests/unit/support/temporary_directory.h"
#include "tests/unit/worker/support/sockets.h"

namespace wsd::master {
namespace {

using worker::FileDescriptor;
using worker::test::is_open;
using Urls = std::vector<ListenUrl>;

ListenUrl local(std::uint16_t port, const std::string& host = "127.0.0.1") {
  return {.host = host, .port = port};
}

sockaddr_in address_of(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

std::uint16_t port_of(int socket) {
  sockaddr_in address{};
  socklen_t size = sizeof(address);
  EXPECT_EQ(::getsockname(socket, reinterpret_cast<sockaddr*>(&address), &size), 0);
  return ntohs(address.sin_port);
}

int option_of(int socket, int level, int name) {
  int value = -1;
  socklen_t size = sizeof(value);
  EXPECT_EQ(::getsockopt(socket, level, name, &value, &size), 0);
  return value;
}

// Another program on a port (0: one of the kernel's choice).
FileDescriptor other_program(std::uint16_t port = 0) {
  FileDescriptor socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const sockaddr_in address = address_of(port);
  EXPECT_EQ(::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
  EXPECT_EQ(::listen(socket.get(), 1), 0);
  return socket;
}

bool accepts_connections(std::uint16_t port) {
  const FileDescriptor client(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const sockaddr_in address = address_of(port);
  return ::connect(client.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0;
}

std::vector<int> descriptors_of(const std::vector<OpenSocket>& sockets) {
  std::vector<int> descriptors;
  for (const OpenSocket& socket : sockets) descriptors.push_back(socket.descriptor);
  return descriptors;
}

std::vector<int> of_slot(const ListeningSockets& sockets, Slot slot) {
  return descriptors_of(sockets.of_slot(slot));
}

std::vector<int> of_slot(const ListeningSockets& sockets, Slot slot, const Urls& addresses) {
  return descriptors_of(sockets.of_slot(slot, addresses));
}

std::string failure_of(ListeningSockets& sockets, const Urls& urls, unsigned count) {
  try {
    sockets.open(urls, count);
  } catch (const CommandError& error) {
    return error.what();
  }
  ADD_FAILURE() << "it opened";
  return {};
}

TEST(ListeningSockets, OpensASocketPerSlotOnOnePort) {
  ListeningSockets sockets(32'768);
  sockets.open({local(0)}, 3);
  ASSERT_EQ(sockets.addresses().size(), 1U);
  const std::uint16_t port = sockets.addresses()[0].port;
  EXPECT_NE(port, 0);
  std::set<int> all;
  for (Slot slot = 0; slot < 3; ++slot) {
    const auto of_this = of_slot(sockets, slot);
    ASSERT_EQ(of_this.size(), 1U);
    all.insert(of_this[0]);
    EXPECT_EQ(port_of(of_this[0]), port);
  }
  EXPECT_EQ(all.size(), 3U);
  EXPECT_TRUE(of_slot(sockets, 3).empty());
  EXPECT_TRUE(accepts_connections(port));
}

TEST(ListeningSockets, ListenWithWhatTheirClientsInherit) {
  ListeningSockets sockets(32'768);
  sockets.open({local(0)}, 1);
  const int socket = of_slot(sockets, 0).at(0);
  EXPECT_EQ(option_of(socket, SOL_SOCKET, SO_ACCEPTCONN), 1);
  EXPECT_EQ(option_of(socket, SOL_SOCKET, SO_REUSEPORT), 1);
  EXPECT_EQ(option_of(socket, IPPROTO_TCP, TCP_NODELAY), 1);
  EXPECT_EQ(option_of(socket, IPPROTO_TCP, TCP_NOTSENT_LOWAT), 32'768);
  EXPECT_NE(::fcntl(socket, F_GETFL) & O_NONBLOCK, 0);
  EXPECT_NE(::fcntl(socket, F_GETFD) & FD_CLOEXEC, 0);
}

TEST(ListeningSockets, KeepTheOrderOfTheAddressesInEverySlot) {
  ListeningSockets sockets(0);
  sockets.open({local(0), local(0, "127.0.0.2")}, 2);
  const auto addresses = sockets.addresses();
  ASSERT_EQ(addresses.size(), 2U);
  EXPECT_EQ(addresses[0].host, "127.0.0.1");
  EXPECT_EQ(addresses[1].host, "127.0.0.2");
  for (Slot slot = 0; slot < 2; ++slot) {
    const auto of_this = of_slot(sockets, slot);
    ASSERT_EQ(of_this.size(), 2U);
    EXPECT_EQ(port_of(of_this[0]), addresses[0].port);
    EXPECT_EQ(port_of(of_this[1]), addresses[1].port);
  }
}

TEST(ListeningSockets, TwoAddressesWithPortZeroAreTwoPorts) {
  ListeningSockets sockets(0);
  sockets.open({local(0), local(0)}, 2);
  ASSERT_EQ(sockets.addresses().size(), 2U);
  EXPECT_NE(sockets.addresses()[0].port, sockets.addresses()[1].port);
}

TEST(ListeningSockets, APortThatIsTakenIsRefusedWithAdvice) {
  const FileDescriptor other = other_program();
  const std::uint16_t port = port_of(other.get());
  ListeningSockets sockets(0);
  const std::string failure = failure_of(sockets, {local(port)}, 2);
  EXPECT_NE(failure.find("ws://127.0.0.1:" + std::to_string(port)), std::string::npos) << failure;
  EXPECT_NE(failure.find("taken by another program"), std::string::npos) << failure;
  EXPECT_TRUE(sockets.addresses().empty());
}

TEST(ListeningSockets, APortOfAnotherServerIsRefusedAlthoughBothWouldShareIt) {
  ListeningSockets first(0);
  first.open({local(0)}, 1);
  ListeningSockets second(0);
  EXPECT_NE(failure_of(second, {local(first.addresses()[0].port)}, 1).find("taken"), std::string::npos);
}

TEST(ListeningSockets, AHostThatIsNotOursIsRefused) {
  ListeningSockets sockets(0);
  EXPECT_NE(failure_of(sockets, {local(0, "192.0.2.1")}, 1).find("no such address"), std::string::npos);
  EXPECT_NE(failure_of(sockets, {local(0, "no-such-host.invalid")}, 1).find("not known"), std::string::npos);
}

TEST(ListeningSockets, OpenedAgainKeepWhatIsThere) {
  ListeningSockets sockets(0);
  sockets.open({local(0)}, 2);
  const auto before = of_slot(sockets, 0);
  const auto addresses = sockets.addresses();
  sockets.open({local(0)}, 4);
  EXPECT_EQ(sockets.addresses(), addresses) << "port 0 keeps the port it got";
  EXPECT_EQ(of_slot(sockets, 0), before);
  EXPECT_EQ(of_slot(sockets, 3).size(), 1U);
  sockets.open({local(0)}, 1);
  EXPECT_EQ(of_slot(sockets, 3).size(), 1U) << "fewer slots close nothing: workers still hold theirs";
}

TEST(ListeningSockets, AnAddressCanBeAddedLaterAndAnotherLetGo) {
  ListeningSockets sockets(0);
  sockets.open({local(0)}, 2);
  const auto old_sockets = of_slot(sockets, 1);
  const std::uint16_t old_port = sockets.addresses()[0].port;
  const Urls both{local(0, "127.0.0.2"), local(0)};
  sockets.open(both, 2);
  ASSERT_EQ(of_slot(sockets, 1).size(), 2U);
  EXPECT_EQ(of_slot(sockets, 1)[1], old_sockets[0]);
  EXPECT_EQ(sockets.addresses()[1].port, old_port);

  const Urls fresh{local(0, "127.0.0.2")};
  sockets.open(fresh, 2);
  EXPECT_EQ(of_slot(sockets, 1).size(), 2U) << "until workers have let go of it";
  EXPECT_TRUE(accepts_connections(old_port));
  sockets.keep_only(fresh);
  ASSERT_EQ(sockets.addresses().size(), 1U);
  EXPECT_EQ(sockets.addresses()[0].host, "127.0.0.2");
  EXPECT_FALSE(is_open(old_sockets[0]));
  EXPECT_FALSE(accepts_connections(old_port));
}

TEST(ListeningSockets, AWorkerOfNewAddressesGetsNoneThatIsAboutToGo) {
  ListeningSockets sockets(0);
  const Urls before{local(0)}, after{local(0, "127.0.0.2")};
  sockets.open(before, 2);
  const auto old_sockets = of_slot(sockets, 1);
  sockets.open(after, 2);
  EXPECT_EQ(of_slot(sockets, 1, before), old_sockets);
  ASSERT_EQ(of_slot(sockets, 1, after).size(), 1U);
  EXPECT_NE(of_slot(sockets, 1, after), old_sockets);
}

TEST(ListeningSockets, ARetiredSlotIsClosedAndCanComeBackOnTheSamePort) {
  ListeningSockets sockets(0);
  sockets.open({local(0), local(0, "127.0.0.2")}, 3);
  const std::uint16_t port = sockets.addresses()[0].port;
  const auto retired = of_slot(sockets, 1);
  sockets.retire(1);
  EXPECT_TRUE(of_slot(sockets, 1).empty());
  for (const int descriptor : retired) EXPECT_FALSE(is_open(descriptor));
  EXPECT_EQ(of_slot(sockets, 2).size(), 2U);
  sockets.retire(17);
  sockets.open({local(0), local(0, "127.0.0.2")}, 3);
  ASSERT_EQ(of_slot(sockets, 1).size(), 2U);
  EXPECT_EQ(port_of(of_slot(sockets, 1)[0]), port);
}

TEST(ListeningSockets, CloseAllClosesAll) {
  ListeningSockets sockets(0);
  sockets.open({local(0)}, 2);
  const std::uint16_t port = sockets.addresses()[0].port;
  sockets.close_all();
  EXPECT_TRUE(sockets.addresses().empty());
  EXPECT_FALSE(accepts_connections(port));
}

TEST(ListeningSockets, AFailedOpenLeavesEverythingAsItWas) {
  const FileDescriptor other = other_program();
  ListeningSockets sockets(0);
  sockets.open({local(0)}, 2);
  const auto addresses = sockets.addresses();
  const auto first = of_slot(sockets, 0);
  failure_of(sockets, {local(0), local(0, "127.0.0.2"), local(port_of(other.get()))}, 4);
  EXPECT_EQ(sockets.addresses(), addresses);
  EXPECT_EQ(of_slot(sockets, 0), first);
  EXPECT_TRUE(of_slot(sockets, 2).empty());
  EXPECT_TRUE(accepts_connections(addresses[0].port));
}

ListenUrl unix_url(const std::string& path, SocketKind kind = SocketKind::websocket) {
  return {Scheme::unix_socket, {}, 0, path, kind};
}

bool accepts_connections(const std::string& path) {
  const FileDescriptor client(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof(address.sun_path) - 1);
  return ::connect(client.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0;
}

// What the next binary finds.
MasterState after_exec(const ListeningSockets& sockets) {
  MasterState state;
  sockets.save(state);
  for (MasterState::Address& address : state.addresses) {
    for (int& socket : address.sockets) socket = ::fcntl(socket, F_DUPFD_CLOEXEC, 0);
  }
  for (int& socket : state.inherited) socket = ::fcntl(socket, F_DUPFD_CLOEXEC, 0);
  return state;
}

class UnixSockets : public ::testing::Test {
 protected:
  testing_support::TemporaryDirectory directory_;
  const std::string path_ = directory_.path() + "/chat.ws";
  const Urls urls_{unix_url(path_)};
};

TEST_F(UnixSockets, AreOneForAllSlots) {
  ListeningSockets sockets(0);
  sockets.open(urls_, 2);
  ASSERT_EQ(of_slot(sockets, 0).size(), 1U);
  ASSERT_EQ(of_slot(sockets, 1).size(), 1U);
  ASSERT_TRUE(accepts_connections(path_));
  const FileDescriptor taken(::accept(of_slot(sockets, 1)[0], nullptr, nullptr));
  EXPECT_TRUE(taken);
  EXPECT_EQ(::accept(of_slot(sockets, 0)[0], nullptr, nullptr), -1) << "that was the only client";
  EXPECT_EQ(errno, EAGAIN);
}

TEST_F(UnixSockets, MayBeUsedByTheGroupAndNobodyElse) {
  ListeningSockets sockets(0);
  sockets.open(urls_, 1);
  struct stat status {};
  ASSERT_EQ(::stat(path_.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0660U);
}

TEST_F(UnixSockets, BelongToTheGroupThatTheyAreFor) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root";
  ListeningSockets sockets(0);
  sockets.use_group(4711);
  sockets.open(urls_, 1);
  struct stat status {};
  ASSERT_EQ(::stat(path_.c_str(), &status), 0);
  EXPECT_EQ(status.st_gid, 4711U);
  EXPECT_EQ(status.st_uid, 0U);
  const std::string later = directory_.file("later");
  testing_support::write_file(later, "");
  ASSERT_EQ(::stat(later.c_str(), &status), 0);
  EXPECT_EQ(status.st_gid, ::getegid()) << "what else is made has our own";
}

TEST_F(UnixSockets, GoWithTheirFile) {
  ListeningSockets sockets(0);
  sockets.open(urls_, 2);
  sockets.close_all();
  EXPECT_FALSE(std::filesystem::exists(path_));
}

TEST_F(UnixSockets, LeaveAFileThatIsAnothersAlone) {
  ListeningSockets sockets(0);
  sockets.open(urls_, 1);
  std::filesystem::remove(path_);
  std::ofstream(path_) << "mine";
  sockets.close_all();
  EXPECT_TRUE(std::filesystem::exists(path_));
}

TEST_F(UnixSockets, StayWhileAnySlotHasThem) {
  ListeningSockets sockets(0);
  sockets.open(urls_, 2);
  sockets.retire(0);
  sockets.open(urls_, 3);
  EXPECT_TRUE(accepts_connections(path_));
  EXPECT_EQ(of_slot(sockets, 2).size(), 1U);
  sockets.open({local(0)}, 3);
  sockets.keep_only({local(0)});
  EXPECT_FALSE(std::filesystem::exists(path_));
}

TEST_F(UnixSockets, ReplaceTheFileOfAServerThatWasKilled) {
  bind_to_file(path_, 0600).reset();
  ASSERT_TRUE(std::filesystem::exists(path_));
  ListeningSockets sockets(0);
  sockets.open(urls_, 1);
  EXPECT_TRUE(accepts_connections(path_));
}

TEST_F(UnixSockets, AreRefusedWhereAnotherProgramListens) {
  const FileDescriptor other = bind_to_file(path_, 0600);
  ASSERT_EQ(::listen(other.get(), 1), 0);
  ListeningSockets sockets(0);
  EXPECT_NE(failure_of(sockets, urls_, 1).find("another program listens there"), std::string::npos);
  EXPECT_TRUE(accepts_connections(path_));
}

TEST_F(UnixSockets, AreRefusedWhereSomethingElseIs) {
  std::ofstream(path_) << "data";
  ListeningSockets sockets(0);
  EXPECT_NE(failure_of(sockets, urls_, 1).find("no socket"), std::string::npos);
  EXPECT_TRUE(std::filesystem::exists(path_));
  const std::string nowhere = directory_.path() + "/no/chat.ws";
  EXPECT_NE(failure_of(sockets, {unix_url(nowhere)}, 1).find("directory is not there"), std::string::npos);
}

TEST_F(UnixSockets, AreRefusedForBothKindsAtOnce) {
  ListeningSockets sockets(0);
  const std::string failure = failure_of(sockets, {unix_url(path_), unix_url(path_, SocketKind::api)}, 1);
  EXPECT_NE(failure.find("a place of its own"), std::string::npos) << failure;
  EXPECT_FALSE(std::filesystem::exists(path_));
}

TEST_F(UnixSockets, OfAFailedOpenLeaveNoFile) {
  const FileDescriptor other = other_program();
  ListeningSockets sockets(0);
  failure_of(sockets, {unix_url(path_), local(port_of(other.get()))}, 1);
  EXPECT_FALSE(std::filesystem::exists(path_));
}

TEST_F(UnixSockets, AreThereForTheNextBinary) {
  ListeningSockets before(0);
  before.open({local(0), unix_url(path_, SocketKind::api)}, 2);
  const MasterState state = after_exec(before);
  ASSERT_EQ(state.addresses.size(), 2U);
  {
    ListeningSockets after(0, state);
    EXPECT_EQ(after.addresses(), before.addresses());
    EXPECT_EQ(after.of_slot(1).at(1).role.kind, SocketKind::api);
    EXPECT_TRUE(accepts_connections(path_));
  }
  EXPECT_FALSE(std::filesystem::exists(path_));
}

TEST_F(UnixSockets, KeepTheRoleThatTheyWereOpenedIn) {
  ListenUrl proxied = unix_url(path_);
  proxied.proxied = true;
  ListeningSockets sockets(0);
  sockets.open({proxied}, 1);
  EXPECT_TRUE(sockets.of_slot(0)[0].role.proxied);
  EXPECT_NE(failure_of(sockets, {unix_url(path_)}, 1).find("only a restart can change that"), std::string::npos);
  EXPECT_TRUE(accepts_connections(path_));
}

std::vector<InheritedSocket> inherited(FileDescriptor socket) {
  std::vector<InheritedSocket> sockets;
  sockets.emplace_back(std::move(socket), "test.socket");
  return sockets;
}

TEST(ListeningSockets, OfAServiceManagerServeAllSlotsAtTheirAddress) {
  ListeningSockets sockets(32'768);
  FileDescriptor opened = other_program();
  const std::uint16_t port = port_of(opened.get());
  sockets.use_inherited(inherited(std::move(opened)));
  sockets.open({local(port), local(0)}, 3);
  sockets.refuse_unused();
  EXPECT_EQ(sockets.addresses()[0].port, port);
  ASSERT_TRUE(accepts_connections(port));
  const FileDescriptor taken(::accept(of_slot(sockets, 2)[0], nullptr, nullptr));
  EXPECT_TRUE(taken);
  EXPECT_EQ(::accept(of_slot(sockets, 0)[0], nullptr, nullptr), -1) << "that was the only client";
  EXPECT_EQ(errno, EAGAIN) << "it was blocking when it came";
  EXPECT_EQ(option_of(of_slot(sockets, 0)[0], IPPROTO_TCP, TCP_NOTSENT_LOWAT), 32'768);
  EXPECT_EQ(option_of(of_slot(sockets, 0)[0], IPPROTO_TCP, TCP_NODELAY), 1);
}

TEST(ListeningSockets, OfAServiceManagerStayOpenWithoutAnAddress) {
  ListeningSockets sockets(0);
  FileDescriptor opened = other_program();
  const std::uint16_t port = port_of(opened.get());
  sockets.use_inherited(inherited(std::move(opened)));
  sockets.open({local(port)}, 1);
  sockets.open({local(0)}, 1);
  sockets.keep_only({local(0)});
  EXPECT_TRUE(accepts_connections(port)) << "the kernel keeps its clients";
  sockets.open({local(port)}, 2);
  ASSERT_EQ(of_slot(sockets, 1).size(), 1U);
  EXPECT_TRUE(FileDescriptor(::accept(of_slot(sockets, 1)[0], nullptr, nullptr)));
  sockets.close_all();
  EXPECT_FALSE(accepts_connections(port));
}

TEST(ListeningSockets, OfAServiceManagerAtNoAddressAreRefused) {
  ListeningSockets sockets(0);
  FileDescriptor opened = other_program();
  const std::uint16_t port = port_of(opened.get());
  sockets.use_inherited(inherited(std::move(opened)));
  sockets.open({local(0)}, 1);
  try {
    sockets.refuse_unused();
    ADD_FAILURE() << "it was not refused";
  } catch (const CommandError& error) {
    EXPECT_EQ(error.status(), CommandStatus::usage);
    EXPECT_NE(std::string(error.what()).find("test.socket at 127.0.0.1:" + std::to_string(port)), std::string::npos)
        << error.what();
  }
}

TEST_F(UnixSockets, OfAServiceManagerLeaveItsFileToIt) {
  FileDescriptor opened = bind_to_file(path_, 0600);
  ASSERT_EQ(::listen(opened.get(), 1), 0);
  {
    ListeningSockets sockets(0);
    sockets.use_inherited(inherited(std::move(opened)));
    sockets.open(urls_, 2);
    sockets.refuse_unused();
    EXPECT_TRUE(accepts_connections(path_));
    const MasterState state = after_exec(sockets);
    EXPECT_EQ(state.inherited.size(), 1U);
    ListeningSockets after(0, state);
    EXPECT_NO_THROW(after.refuse_unused());
    EXPECT_EQ(of_slot(after, 1).size(), 1U);
  }
  EXPECT_TRUE(std::filesystem::exists(path_));
}

TEST(ListeningSockets, SayWhatEachIsFor) {
  ListenUrl api = local(0);
  api.scheme = Scheme::http;
  api.kind = SocketKind::api;
  ListeningSockets sockets(0);
  sockets.open({local(0), api}, 1);
  ASSERT_EQ(sockets.of_slot(0).size(), 2U);
  EXPECT_EQ(sockets.of_slot(0)[0].role.kind, SocketKind::websocket);
  EXPECT_EQ(sockets.of_slot(0)[1].role.kind, SocketKind::api);
}

// Until it goes, no more than `count` further descriptors can be opened.
class FewDescriptorsLeft {
 public:
  explicit FewDescriptorsLeft(int count) {
    ::getrlimit(RLIMIT_NOFILE, &before_);
    std::vector<FileDescriptor> next;
    for (int i = 0; i <= count; ++i) next.emplace_back(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    rlimit lowered = before_;
    lowered.rlim_cur = static_cast<rlim_t>(next.back().get());
    ::setrlimit(RLIMIT_NOFILE, &lowered);
  }
  ~FewDescriptorsLeft() { ::setrlimit(RLIMIT_NOFILE, &before_); }
  FewDescriptorsLeft(const FewDescriptorsLeft&) = delete;
  FewDescriptorsLeft& operator=(const FewDescriptorsLeft&) = delete;

 private:
  rlimit before_{};
};

// The sanitizers, too, want descriptors when they see a class for the first time: so nothing else happens meanwhile,
// and what a failure takes has been seen before.
bool fails_with_descriptors(int left, ListeningSockets& sockets, const Urls& urls, unsigned count) {
  failure_of(sockets, {local(0, "192.0.2.1")}, 1);
  const FewDescriptorsLeft few(left);
  try {
    sockets.open(urls, count);
  } catch (const CommandError&) {
    return true;
  }
  return false;
}

TEST(ListeningSockets, RunningOutOfDescriptorsHalfwayLeavesNothingBehind) {
  ListeningSockets sockets(0);
  sockets.open({local(0), local(0, "127.0.0.2")}, 2);
  for (int left = 0; left < 4; ++left) {
    EXPECT_TRUE(fails_with_descriptors(left, sockets, {local(0), local(0, "127.0.0.2")}, 4)) << left;
    EXPECT_TRUE(of_slot(sockets, 2).empty()) << left;
    EXPECT_TRUE(of_slot(sockets, 3).empty()) << left;
  }
  EXPECT_EQ(of_slot(sockets, 1).size(), 2U);
}

// A slot that was retired in the middle is no different from one at the end: nobody would serve its socket.
TEST(ListeningSockets, AFailedOpenDoesNotBringARetiredSlotBack) {
  ListeningSockets sockets(0);
  sockets.open({local(0), local(0, "127.0.0.2")}, 3);
  sockets.retire(1);
  ASSERT_TRUE(fails_with_descriptors(1, sockets, {local(0), local(0, "127.0.0.2")}, 3));
  EXPECT_TRUE(of_slot(sockets, 1).empty());
}

}  // namespace
}  // namespace wsd::master
