#include "master/sd_notify.h"

#include <gmock/gmock.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <cstdlib>
#include <string>
#include <vector>

#include "tests/unit/support/temporary_directory.h"
#include "worker/file_descriptor.h"

namespace wsd::master {
namespace {

using Phase = ServiceManager::Phase;
using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::ElementsAre;
using testing::IsEmpty;

class ServiceManagerTest : public testing::Test {
 protected:
  ServiceManagerTest() { listen_at(directory.file("notify")); }
  ~ServiceManagerTest() override {
    for (const char* name : {"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"}) ::unsetenv(name);
  }

  void listen_at(const std::string& name) {
    socket = worker::FileDescriptor(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    name.copy(address.sun_path, name.size());
    if (name.front() == '@') address.sun_path[0] = '\0';
    const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size());
    ASSERT_EQ(::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), size), 0);
    ::setenv("NOTIFY_SOCKET", name.c_str(), 1);
  }

  std::vector<std::string> heard() const {
    std::vector<std::string> all;
    std::array<char, 1024> buffer;
    for (ssize_t size = 0; (size = ::recv(socket.get(), buffer.data(), buffer.size(), 0)) >= 0;)
      all.emplace_back(buffer.data(), static_cast<std::size_t>(size));
    return all;
  }

  const ServiceManager::TimePoint now = std::chrono::steady_clock::now();
  testing_support::TemporaryDirectory directory;
  worker::FileDescriptor socket;
};

TEST_F(ServiceManagerTest, HearsOfEachPhaseOnce) {
  auto manager = ServiceManager::of_environment(Phase::starting);
  manager.reloading(now);
  EXPECT_THAT(heard(), IsEmpty()) << "who is not ready yet does not reload";
  manager.ready("2 workers", now);
  manager.ready("2 workers", now);
  EXPECT_THAT(heard(), ElementsAre("READY=1\nSTATUS=2 workers"));
  const ServiceManager::TimePoint later{microseconds(1'234'567)};
  manager.reloading(later);
  manager.reloading(later);
  EXPECT_THAT(heard(), ElementsAre("RELOADING=1\nMONOTONIC_USEC=1234567\nSTATUS=reloading"));
  manager.ready("3 workers", now);
  EXPECT_THAT(heard(), ElementsAre("READY=1\nSTATUS=3 workers"));
  manager.stopping(now);
  manager.stopping(now);
  manager.ready("3 workers", now);
  manager.reloading(now);
  EXPECT_THAT(heard(), ElementsAre("STOPPING=1\nSTATUS=stopping"));
}

TEST_F(ServiceManagerTest, MayHaveAnAbstractName) {
  listen_at("@wsd-test-" + std::to_string(::getpid()));
  auto manager = ServiceManager::of_environment(Phase::starting);
  manager.failed("the app\nis no good", now);
  EXPECT_THAT(heard(), ElementsAre("STATUS=the app\\nis no good"));
}

TEST_F(ServiceManagerTest, KnowsThatWeServeAfterAnUpgrade) {
  auto manager = ServiceManager::of_environment(Phase::serving);
  manager.reloading(now);
  EXPECT_EQ(heard().size(), 1U);
  EXPECT_EQ(manager.phase(), Phase::reloading);
}

TEST_F(ServiceManagerTest, HearsOfNewsNowAndThen) {
  auto manager = ServiceManager::of_environment(Phase::starting);
  manager.ready("no connections", now);
  heard();
  const auto start = std::chrono::steady_clock::now();
  manager.handle_time("no connections", start);
  EXPECT_THAT(heard(), IsEmpty()) << "that is no news";
  EXPECT_EQ(manager.next_deadline(), start + ServiceManager::status_interval);
  manager.handle_time("one connection", start + seconds(1));
  EXPECT_THAT(heard(), IsEmpty()) << "too early";
  manager.handle_time("one connection", start + seconds(5));
  EXPECT_THAT(heard(), ElementsAre("STATUS=one connection"));
}

TEST_F(ServiceManagerTest, HasASignOfLifeAtHalfOfItsTime) {
  ::setenv("WATCHDOG_USEC", "3000000", 1);
  ::setenv("WATCHDOG_PID", std::to_string(::getpid()).c_str(), 1);
  auto manager = ServiceManager::of_environment(Phase::starting);
  manager.ready("no connections", now);
  heard();
  const auto start = std::chrono::steady_clock::now();
  manager.handle_time("no connections", start);
  EXPECT_EQ(manager.next_deadline(), start + milliseconds(1500));
  manager.handle_time("one connection", start + milliseconds(1500));
  EXPECT_THAT(heard(), ElementsAre("WATCHDOG=1", "WATCHDOG=1\nSTATUS=one connection"));
}

TEST_F(ServiceManagerTest, HasItAlsoWhileWeReload) {
  ::setenv("WATCHDOG_USEC", "3000000", 1);
  auto manager = ServiceManager::of_environment(Phase::serving);
  manager.reloading(now);
  heard();
  manager.handle_time("news", std::chrono::steady_clock::now());
  EXPECT_THAT(heard(), ElementsAre("WATCHDOG=1"));
}

TEST_F(ServiceManagerTest, WantsNoSignOfLifeOfWhomItDoesNotWatch) {
  ::setenv("WATCHDOG_USEC", "3000000", 1);
  ::setenv("WATCHDOG_PID", "1", 1);
  auto manager = ServiceManager::of_environment(Phase::serving);
  manager.handle_time("", std::chrono::steady_clock::now());
  EXPECT_THAT(heard(), IsEmpty());
}

TEST_F(ServiceManagerTest, ThatDoesNotReadIsToldLater) {
  auto manager = ServiceManager::of_environment(Phase::starting);
  manager.ready("", now);
  manager.handle_time("", now + seconds(1));
  // The kernel keeps some datagrams for it, and then no more.
  for (int i = 0; i < 2000 && manager.next_deadline() != now + ServiceManager::retry_pause; ++i) {
    manager.failed("again", now);
  }
  ASSERT_EQ(manager.next_deadline(), now + ServiceManager::retry_pause);
  manager.stopping(now);
  heard();
  manager.handle_time("", now + ServiceManager::retry_pause);
  EXPECT_EQ(heard().back(), "STOPPING=1\nSTATUS=stopping");
}

TEST_F(ServiceManagerTest, ThatIsGoneIsNoError) {
  auto manager = ServiceManager::of_environment(Phase::starting);
  socket.reset();
  manager.ready("", now);
  EXPECT_EQ(manager.phase(), Phase::serving);
}

TEST_F(ServiceManagerTest, IsNobodyWithoutAnAddress) {
  for (const char* address : {"", "relative", "vsock:2:1234", "/"}) {
    ::setenv("NOTIFY_SOCKET", address, 1);
    auto manager = ServiceManager::of_environment(Phase::starting);
    manager.ready("", now);
    EXPECT_EQ(manager.next_deadline(), std::nullopt) << address;
  }
  ::unsetenv("NOTIFY_SOCKET");
  EXPECT_EQ(ServiceManager::of_environment(Phase::starting).next_deadline(), std::nullopt);
  EXPECT_THAT(heard(), IsEmpty());
}

}  // namespace
}  // namespace wsd::master
