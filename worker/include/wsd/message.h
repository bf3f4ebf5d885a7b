// What travels: messages and how they end.

#pragma once

#include <cstdint>
#include <string_view>

namespace wsd {

// RFC 6455 §5.6. Text is valid UTF-8: the server has checked what it received, the application owes it for what it
// sends.
enum class MessageType : std::uint8_t { text, binary };

// One received message, whole. A view that dies with the callback it was given to.
struct Message {
  std::string_view data;
  MessageType type = MessageType::text;
};

// What became of a message that was sent.
enum class SendResult : std::uint8_t {
  sent,    // nothing waits before it: it goes to the kernel with this turn's output, at the latest when the callback is
           // done
  queued,  // the peer reads slowly: it waits in the connection's queue, behind earlier ones
  dropped,  // refused: the queue is at its limit (see App::on_buffer_full), or the connection is closing
};

// How a connection ended (RFC 6455 §7.1.5, §7.1.6).
struct CloseInfo {
  std::uint16_t code =
      1006;  // the peer's code if it sent one first, else ours; 1005: a Close without a code; 1006: no Close at all
  std::string_view reason;  // dies with the callback
  bool clean = false;       // both sides sent a Close frame
};

// Names one connection on this machine for as long as the server lives, through every reload. Never 0, never reused.
using ConnectionId = std::uint64_t;

}  // namespace wsd
