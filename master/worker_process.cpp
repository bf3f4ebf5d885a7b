#include "master/worker_process.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <system_error>
#include <utility>

#include "master/descriptors.h"
#include "worker/worker_process.h"

namespace wsd::master {

namespace {

[[noreturn]] void live_as_worker(worker::Heritage heritage, int log, const std::function<void()>& prepare_child) {
  prepare_child();
  std::vector<int> kept = {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO, log, heritage.master.descriptor()};
  for (const auto& socket : heritage.sockets.sockets) kept.push_back(socket.get());
  if (heritage.access_log) kept.push_back(heritage.access_log.get());
  if (heritage.module) kept.push_back(heritage.module.get());
  close_all_but(std::move(kept));
  std::exit(static_cast<int>(worker::run_worker(std::move(heritage))));
}

}  // namespace

WorkerProcess::WorkerProcess(worker::Heritage heritage, worker::RecordSocket link, int log,
                             const std::function<void()>& prepare_child)
    : row_(heritage.scoreboard_row), link_(std::move(link)) {
  std::fflush(nullptr);  // or the child would write what we have not yet written once more
  pid_ = ::fork();
  if (pid_ < 0) throw std::system_error(errno, std::generic_category(), "fork");
  if (pid_ == 0) live_as_worker(std::move(heritage), log, prepare_child);
}

void WorkerProcess::order(const protocol::RecordWriter& record, std::span<const int> descriptors) {
  if (waiting_.empty() && link_.send(record.bytes(), descriptors) != worker::RecordSocket::Status::would_block) return;
  Order order{.record = {record.bytes().begin(), record.bytes().end()}, .descriptors = {}};
  for (const int descriptor : descriptors) {
    order.descriptors.emplace_back(::fcntl(descriptor, F_DUPFD_CLOEXEC, 0));
  }
  const auto is_missing = [](const worker::FileDescriptor& descriptor) { return !descriptor; };
  if (std::ranges::any_of(order.descriptors, is_missing)) order.descriptors.clear();  // it is told that there are none
  waiting_.push_back(std::move(order));
}

void WorkerProcess::send_waiting() {
  for (; !waiting_.empty(); waiting_.pop_front()) {
    std::vector<int> descriptors;
    for (const auto& descriptor : waiting_.front().descriptors) descriptors.push_back(descriptor.get());
    if (link_.send(waiting_.front().record, descriptors) == worker::RecordSocket::Status::would_block) return;
  }
}

void WorkerProcess::signal(int number) const {
  ::kill(pid_, number);
}  // ours and not reaped yet: the pid is its own

}  // namespace wsd::master
