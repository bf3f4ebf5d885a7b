#include "master/sd_notify.h"

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "master/earliest.h"
#include "protocol/printable_text.h"
#include "worker/file_descriptor.h"
#include "worker/log.h"

namespace wsd::master {

namespace {

std::string_view variable(const char* name) {
  const char* const value = std::getenv(name);
  return value == nullptr ? "" : value;
}

std::int64_t number_in(std::string_view text) {
  std::int64_t number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

// Every how often it wants a sign of life; 0: it does not, or from somebody else.
std::chrono::microseconds watchdog_of_environment() {
  const std::string_view whose = variable("WATCHDOG_PID");
  if (!whose.empty() && number_in(whose) != ::getpid()) return std::chrono::microseconds(0);
  return std::chrono::microseconds(std::max<std::int64_t>(number_in(variable("WATCHDOG_USEC")), 0));
}

bool is_address(std::string_view text) {
  return text.size() > 1 && text.size() < sizeof(sockaddr_un::sun_path) && (text.front() == '/' || text.front() == '@');
}

// 0, or why not.
int send_datagram(const std::string& to, std::string_view text) {
  const worker::FileDescriptor socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!socket) return errno;
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  to.copy(address.sun_path, to.size());
  if (to.front() == '@') address.sun_path[0] = '\0';  // an abstract name
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + to.size());
  const ssize_t sent = ::sendto(socket.get(), text.data(), text.size(), MSG_DONTWAIT | MSG_NOSIGNAL,
                                reinterpret_cast<const sockaddr*>(&address), size);
  return sent < 0 ? errno : 0;
}

std::string status_line(std::string_view text) {
  return fmt::format("STATUS={}", protocol::printable(text));
}

}  // namespace

ServiceManager ServiceManager::of_environment(Phase phase) {
  ServiceManager manager;
  const std::string_view address = variable("NOTIFY_SOCKET");
  if (address.empty()) return manager;
  if (!is_address(address)) {
    log::warning("the service manager hears nothing of us: NOTIFY_SOCKET={} is no unix socket", address);
    return manager;
  }
  manager.address_ = address;
  manager.watchdog_ = watchdog_of_environment();
  manager.phase_ = phase;
  manager.next_ = std::chrono::steady_clock::now();
  return manager;
}

void ServiceManager::ready(std::string_view status, TimePoint now) {
  if (phase_ == Phase::serving || phase_ == Phase::stopping) return;
  phase_ = Phase::serving;
  status_ = status;
  say(fmt::format("READY=1\n{}", status_line(status)), now);
}

// The time is that of CLOCK_MONOTONIC, which is this clock: systemd tells by it which of two reloads has ended.
void ServiceManager::reloading(TimePoint now) {
  if (phase_ != Phase::serving) return;
  phase_ = Phase::reloading;
  const auto time = std::chrono::floor<std::chrono::microseconds>(now.time_since_epoch());
  say(fmt::format("RELOADING=1\nMONOTONIC_USEC={}\nSTATUS=reloading", time.count()), now);
}

void ServiceManager::stopping(TimePoint now) {
  if (phase_ == Phase::stopping) return;
  phase_ = Phase::stopping;
  say("STOPPING=1\nSTATUS=stopping", now);
}

void ServiceManager::failed(std::string_view reason, TimePoint now) {
  say(status_line(reason), now);
}

std::optional<ServiceManager::TimePoint> ServiceManager::next_deadline() const {
  return address_.empty() ? std::nullopt : earliest(say_at_, next_);
}

bool ServiceManager::is_due(TimePoint now) const {
  const auto deadline = next_deadline();
  return deadline && *deadline <= now;
}

void ServiceManager::handle_time(std::string_view status, TimePoint now) {
  if (!is_due(now)) return;
  send_unsaid(now);
  if (!next_ || *next_ > now) return;
  next_ =
      now + (watchdog_.count() > 0 ? std::min<TimePoint::duration>(watchdog_ / 2, status_interval) : status_interval);
  std::string text = watchdog_.count() > 0 ? "WATCHDOG=1" : "";
  if (phase_ == Phase::serving && status != status_) {
    status_ = status;
    text += (text.empty() ? "" : "\n") + status_line(status);
  }
  // What it has not read tells it enough.
  if (!text.empty() && unsaid_.empty()) say(std::move(text), now);
}

void ServiceManager::say(std::string text, TimePoint now) {
  if (address_.empty()) return;
  if (unsaid_.size() == max_unsaid) unsaid_.pop_front();
  unsaid_.push_back(std::move(text));
  send_unsaid(now);
}

void ServiceManager::send_unsaid(TimePoint now) {
  say_at_.reset();
  for (; !unsaid_.empty(); unsaid_.pop_front()) {
    const int error = send_datagram(address_, unsaid_.front());
    if (error == EAGAIN || error == EWOULDBLOCK || error == ENOBUFS) {
      say_at_ = now + retry_pause;
      return;
    }
    if (error != 0) log::debug("the service manager hears nothing of us: {}: {}", address_, std::strerror(error));
  }
}

}  // namespace wsd::master
