// The CLI's end of NAME.sock: blocking, with a deadline for each step.

#pragma once

#include <sys/types.h>

#include <chrono>
#include <deque>
#include <span>
#include <string>
#include <string_view>

#include "worker/file_descriptor.h"

namespace wsd::master {

class ControlClient {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;

  enum class Outcome {
    ok,
    no_server,  // no socket, or nobody behind it
    no_permission,
    timeout,
    closed,  // the master ended the conversation, or broke its rules
  };

  // May be called again for another conversation. no_server, no_permission, timeout (its backlog is full) or ok.
  [[nodiscard]] Outcome connect(const std::string& path, TimePoint deadline);
  // The process that listens there, by SO_PEERCRED; 0 if unknown.
  [[nodiscard]] pid_t server_pid() const;
  [[nodiscard]] Outcome send_line(std::string_view line, TimePoint deadline);
  [[nodiscard]] Outcome send_bytes(std::string_view bytes, TimePoint deadline);
  void shut_down_sending();
  [[nodiscard]] Outcome read_line(std::string& line, TimePoint deadline);
  // The next of the descriptors that came with the lines, in their order; none if there is no more.
  [[nodiscard]] worker::FileDescriptor take_descriptor();
  // Waits until read_line() would return a line at once.
  [[nodiscard]] Outcome await_line(TimePoint deadline);

 private:
  // As recv() does; keeps the descriptors that come along.
  [[nodiscard]] ssize_t receive(std::span<char> buffer);
  [[nodiscard]] Outcome wait(short events, TimePoint deadline) const;

  worker::FileDescriptor fd_;
  std::string received_;
  std::deque<worker::FileDescriptor> descriptors_;
};

}  // namespace wsd::master
