#include "tests/load/outbox.h"

namespace wsd::load {

void Outbox::send(const ClientSocket& socket, Clock::time_point now, const std::function<void()>& on_message) {
  blocked_ = false;
  while (!pieces_.empty() && *due() <= now) {
    const Piece& piece = pieces_.front();
    const std::string_view rest = std::string_view(piece.bytes).substr(sent_);
    const std::size_t count = socket.send(rest).value_or(rest.size());  // a failure is noticed when it is read
    if (count < rest.size()) {
      sent_ += count;
      blocked_ = true;
      return;
    }
    sent_ = 0;
    last_left_ = now;
    const bool ends_message = piece.ends_message;
    pieces_.pop_front();
    if (ends_message) on_message();
  }
}

void Outbox::clear() {
  pieces_.clear();
  sent_ = 0;
  blocked_ = false;
}

std::optional<Clock::time_point> Outbox::due() const {
  if (pieces_.empty()) return std::nullopt;
  return last_left_ + pieces_.front().pause;
}

}  // namespace wsd::load
