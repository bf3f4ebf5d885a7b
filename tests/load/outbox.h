#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <optional>
#include <string>

#include "tests/load/client_socket.h"
#include "tests/load/clock.h"

namespace wsd::load {

// What a client is to send, in pieces with pauses between them: half a header now, the rest 100 ms later.
class Outbox {
 public:
  // To be sent when `pause` has passed since the piece before it left.
  void add(std::string bytes, Clock::duration pause = {}) { pieces_.push_back({std::move(bytes), pause, false}); }
  // The piece just added is a message's last.
  void end_message() { pieces_.back().ends_message = true; }

  // Sends what is due; `on_message` hears of each message that has left.
  void send(const ClientSocket& socket, Clock::time_point now, const std::function<void()>& on_message);
  void clear();

  [[nodiscard]] bool empty() const { return pieces_.empty(); }
  // The kernel takes no more for now: a writable socket goes on.
  [[nodiscard]] bool is_blocked() const { return blocked_; }
  [[nodiscard]] std::optional<Clock::time_point> due() const;

 private:
  struct Piece {
    std::string bytes;
    Clock::duration pause;
    bool ends_message;
  };

  std::deque<Piece> pieces_;
  std::size_t sent_ = 0;  // of the first piece
  Clock::time_point last_left_;
  bool blocked_ = false;
};

}  // namespace wsd::load
