#include "tests/load/message_shapes.h"

#include <algorithm>

#include "tests/load/client_frame.h"

namespace wsd::load {
namespace {

constexpr std::chrono::milliseconds pause_in_frame{100};
constexpr std::chrono::milliseconds longest_pause_between_fragments{40};

std::size_t between(std::size_t least, std::size_t most, std::mt19937& random) {
  return std::uniform_int_distribution<std::size_t>(least, most)(random);
}

}  // namespace

void add_whole(Outbox& outbox, std::uint8_t opcode, std::string_view message) {
  outbox.add(masked_frame(opcode, message));
  outbox.end_message();
}

void add_in_halves(Outbox& outbox, std::uint8_t opcode, std::string_view message, std::mt19937& random) {
  const std::string frame = masked_frame(opcode, message);
  const std::size_t header = frame.size() - message.size();
  const std::size_t cut =
      between(0, 1, random) == 0 ? between(1, header, random) : between(header, frame.size() - 1, random);
  outbox.add(frame.substr(0, cut));
  outbox.add(frame.substr(cut), pause_in_frame);
  outbox.end_message();
}

void add_fragments(Outbox& outbox, std::uint8_t opcode, std::string_view message, std::mt19937& random,
                   const std::function<std::string()>& next_ping) {
  const std::size_t count = between(2, 6, random);
  for (std::size_t i = 0; i < count; ++i) {
    const bool is_last = i + 1 == count;
    const std::size_t size = is_last ? message.size() : between(0, message.size(), random);
    std::string bytes = i > 0 && next_ping ? masked_frame(ping_opcode, next_ping()) : std::string();
    bytes += masked_frame(i == 0 ? opcode : continuation_opcode, message.substr(0, size), is_last);
    const std::chrono::milliseconds pause(between(0, longest_pause_between_fragments.count(), random));
    outbox.add(std::move(bytes), i == 0 ? Clock::duration{} : pause);
    message.remove_prefix(size);
  }
  outbox.end_message();
}

void add_trickling(Outbox& outbox, std::string_view bytes, std::size_t pieces, Clock::duration pause) {
  const std::size_t size = bytes.size() / pieces + 1;
  for (bool is_first = true; !bytes.empty(); is_first = false) {
    outbox.add(std::string(bytes.substr(0, size)), is_first ? Clock::duration{} : pause);
    bytes.remove_prefix(std::min(size, bytes.size()));
  }
}

}  // namespace wsd::load
