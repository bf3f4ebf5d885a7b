// A listening socket that this worker accepts from. The socket is the master's; this is a copy, closed with the object.

#pragma once

#include <sys/socket.h>

#include <functional>
#include <string>

#include "worker/file_descriptor.h"
#include "worker/poller.h"

namespace wsd::worker {

// A client just accepted.
struct Accepted {
  FileDescriptor socket;
  std::string remote_address;
};

class Listener final : public Watched {
 public:
  enum class Verdict : std::uint8_t { go_on, stop_for_now };

  // `on_client` takes each accepted client and says whether to accept more in this turn; `on_exhausted` is told when
  // the kernel had no descriptor or memory for one.
  Listener(Poller& poller, FileDescriptor socket, unsigned accepts_per_turn, std::function<Verdict(Accepted)> on_client,
           std::function<void()> on_exhausted);
  ~Listener();
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

  void handle_ready(std::uint32_t events) override;

  // Accepts up to `count` clients of those that wait, also while paused.
  void accept_some(unsigned count);

  void pause();
  void resume();

 private:
  Poller& poller_;
  FileDescriptor socket_;
  unsigned accepts_per_turn_;
  std::function<Verdict(Accepted)> on_client_;
  std::function<void()> on_exhausted_;
  bool paused_ = false;
};

}  // namespace wsd::worker
