// The stream between two buses with a hand on it: bytes cross when the test says so, as many as it says, in each
// direction by itself. What a bus has given to the kernel is on the wire, and arrives even if that bus dies.

#pragma once

#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <utility>
#include <vector>

#include "tests/unit/worker/support/sockets.h"
#include "worker/file_descriptor.h"

namespace wsd::worker::test {

class BusWire {
 public:
  static constexpr std::size_t everything = ~std::size_t{0};

  BusWire() {
    for (Way& way : ways_) {
      auto [bus, ours] = socket_pair();
      way.bus_end = std::move(bus);
      way.end = std::move(ours);
    }
  }

  // For the buses of both sides: each is to be taken once.
  [[nodiscard]] FileDescriptor take_end(std::size_t side) { return std::move(ways_[side].bus_end); }

  // What `side` has sent crosses, at most so many bytes. How many did.
  std::size_t cross(std::size_t side, std::size_t limit = everything) {
    Way& from = ways_[side];
    Way& to = ways_[1 - side];
    std::array<char, 4096> buffer;
    std::size_t crossed = 0;
    while (from.end && crossed < limit) {
      const ssize_t count = ::recv(from.end.get(), buffer.data(), std::min(buffer.size(), limit - crossed), 0);
      if (count < 0 && errno == EAGAIN) break;
      if (count <= 0) {
        from.ended = true;
        break;
      }
      crossed += static_cast<std::size_t>(count);
      to.arriving.insert(to.arriving.end(), buffer.data(), buffer.data() + count);
    }
    push(to);
    // The side is dead, and all that it has said is delivered: now the other one may notice.
    if (from.ended && to.arriving.empty()) from.end.reset(), to.end.reset();
    return crossed;
  }

  [[nodiscard]] bool is_over() const { return !ways_[0].end && !ways_[1].end; }
  // Bytes that this side has sent and that have not crossed cannot be seen; these have, and found no room yet.
  [[nodiscard]] bool is_quiet() const { return ways_[0].arriving.empty() && ways_[1].arriving.empty(); }

 private:
  // One side's end of the wire.
  struct Way {
    FileDescriptor bus_end;  // until a bus has taken it
    FileDescriptor end;
    std::vector<char> arriving;  // for that side
    bool ended = false;          // nothing more comes from it
  };

  static void push(Way& to) {
    if (!to.end) return to.arriving.clear();
    const ssize_t count = ::send(to.end.get(), to.arriving.data(), to.arriving.size(), MSG_NOSIGNAL);
    if (count > 0) to.arriving.erase(to.arriving.begin(), to.arriving.begin() + count);
    if (count < 0 && errno != EAGAIN) to.arriving.clear();  // nobody is there to hear it
  }

  std::array<Way, 2> ways_;
};

}  // namespace wsd::worker::test
