// A worker as the master holds it: a pid, the line to it, a row on the scoreboard. Fork is here; policy is not.

#pragma once

#include <sys/types.h>

#include <deque>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "master/supervision.h"
#include "protocol/record.h"
#include "worker/exit_code.h"
#include "worker/heritage.h"
#include "worker/record_socket.h"

namespace wsd::master {

class WorkerProcess {
 public:
  // Forks a worker that runs with `heritage` and never returns from here; whatever else the child inherited is closed,
  // but for standard streams and `log`. `prepare_child` runs first thing in it. Throws std::system_error if fork fails.
  WorkerProcess(worker::Heritage heritage, worker::RecordSocket link, int log,
                const std::function<void()>& prepare_child);

  // One that this process had forked before it replaced its own binary.
  WorkerProcess(pid_t pid, std::size_t row, worker::RecordSocket link) : pid_(pid), row_(row), link_(std::move(link)) {}

  [[nodiscard]] pid_t pid() const { return pid_; }
  [[nodiscard]] std::size_t row() const { return row_; }
  [[nodiscard]] int descriptor() const { return link_.descriptor(); }

  // Orders leave in the order they were given. Descriptors are copied: the caller keeps its own.
  void order(const protocol::RecordWriter& record, std::span<const int> descriptors = {});
  // Orders that the worker's buffer had no room for, since it is stopped or stuck.
  void send_waiting();
  [[nodiscard]] bool has_waiting_orders() const { return !waiting_.empty(); }

  [[nodiscard]] worker::RecordSocket::Received receive() const { return link_.receive(); }
  void signal(int number) const;

 private:
  struct Order {
    std::vector<std::byte> record;
    std::vector<worker::FileDescriptor> descriptors;
  };

  pid_t pid_ = -1;
  std::size_t row_;
  worker::RecordSocket link_;
  std::deque<Order> waiting_;
};

}  // namespace wsd::master
