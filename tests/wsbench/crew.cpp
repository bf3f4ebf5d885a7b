#include "tests/wsbench/crew.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <exception>
#include <system_error>

namespace wsd::bench {

namespace {

constexpr int failed_status = 3;

std::string manner_of_death(int status) {
  if (WIFSIGNALED(status))
    return fmt::format("was killed by signal {} ({})", WTERMSIG(status), ::strsignal(WTERMSIG(status)));
  return fmt::format("ended with status {}", WEXITSTATUS(status));
}

[[noreturn]] void live_as_member(const Options& options, std::size_t index, SharedRun& shared, int channel) {
  std::signal(SIGINT, SIG_IGN);  // the terminal's goes to all; the reporting process decides
  std::signal(SIGPIPE, SIG_IGN);
  int status = 0;
  try {
    LoadProcess(options, index, shared, channel).run();
  } catch (const std::exception& error) {
    shared.statistics()[index].explain(error.what());
    status = failed_status;
  }
  ::_exit(status);
}

}  // namespace

Crew::Crew(const Options& options, SharedRun& shared) : members_(options.processes) {
  for (std::size_t i = 0; i < members_.size(); ++i) start(options, i, shared);
}

Crew::~Crew() {
  order(Order::quit);
  for (Member& member : members_) {
    if (member.channel < 0) continue;
    ::waitpid(member.pid, nullptr, 0);
    ::close(member.channel);
  }
}

void Crew::start(const Options& options, std::size_t index, SharedRun& shared) {
  int ends[2] = {};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
    throw std::system_error(errno, std::system_category(), "socketpair");
  }
  std::fflush(nullptr);
  const pid_t pid = ::fork();
  if (pid < 0) throw std::system_error(errno, std::system_category(), "fork");
  if (pid == 0) {
    for (const Member& member : members_) {
      if (member.channel >= 0) ::close(member.channel);
    }
    ::close(ends[0]);
    live_as_member(options, index, shared, ends[1]);
  }
  ::close(ends[1]);
  members_[index] = {pid, ends[0]};
}

void Crew::order(Order order) {
  const char letter = static_cast<char>(order);
  for (const Member& member : members_) {
    if (member.channel >= 0) ::send(member.channel, &letter, 1, MSG_NOSIGNAL);  // a death is noticed when it is read
  }
}

void Crew::await(Order order, const std::function<Time()>& next_turn) {
  for (Member& member : members_) {
    if (member.done == order) member.done = Order::stop;
  }
  for (Time until = next_turn(); until != Time::min() && !have_all(order); until = next_turn()) listen_until(until);
}

void Crew::listen_until(Time until) {
  std::vector<pollfd> polled(members_.size());
  for (std::size_t i = 0; i < members_.size(); ++i) polled[i] = {members_[i].channel, POLLIN, 0};
  const auto left = std::max<std::chrono::nanoseconds>(until - Clock::now(), std::chrono::nanoseconds(0));
  const auto seconds = std::chrono::floor<std::chrono::seconds>(left);
  const timespec timeout{.tv_sec = seconds.count(), .tv_nsec = (left - seconds).count()};
  if (::ppoll(polled.data(), polled.size(), &timeout, nullptr) <= 0) return;
  for (std::size_t i = 0; i < members_.size(); ++i) {
    if (polled[i].revents != 0) listen_to(members_[i]);
  }
}

bool Crew::have_all(Order order) const {
  return std::all_of(members_.begin(), members_.end(),
                     [order](const Member& member) { return member.channel < 0 || member.done == order; });
}

void Crew::listen_to(Member& member) {
  char letter = 0;
  if (::recv(member.channel, &letter, 1, 0) == 1) {
    member.done = Order{letter};
  } else {
    bury(member);
  }
}

void Crew::bury(Member& member) {
  int status = 0;
  ::waitpid(member.pid, &status, 0);
  ::close(member.channel);
  member.channel = -1;
  const auto number = &member - members_.data() + 1;
  obituaries_.push_back(fmt::format("process {} of {} {}: what it had counted since its last report is missing here",
                                    number, members_.size(), manner_of_death(status)));
}

std::vector<pid_t> Crew::living() const {
  std::vector<pid_t> pids;
  for (const Member& member : members_) {
    if (member.channel >= 0) pids.push_back(member.pid);
  }
  return pids;
}

}  // namespace wsd::bench
