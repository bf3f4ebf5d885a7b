#pragma once

#include <cstddef>

namespace wsd::load {

// What went wrong, counted over all connections.
struct Errors {
  std::size_t connect = 0;    // refused, or no descriptor
  std::size_t handshake = 0;  // not answered as RFC 6455 §4.1 asks
  std::size_t wrong = 0;      // an answer that is not the expected one
  std::size_t closed = 0;     // by the server, unasked
  std::size_t lost = 0;       // messages without an answer at the end
  std::size_t doubled = 0;    // answers that had come before
  std::size_t reordered = 0;  // answers that came after one to a later message
  std::size_t stale = 0;      // answers of older code than the connection had seen before

  [[nodiscard]] std::size_t sum() const {
    return connect + handshake + wrong + closed + lost + doubled + reordered + stale;
  }
};

}  // namespace wsd::load
