// The open WebSocket's frames: what the client says, and what the application answers.

#include <algorithm>

#include "protocol/close_code.h"
#include "worker/channels.h"
#include "worker/client_connection.h"

namespace wsd::worker {

namespace close_code = protocol::close_code;

namespace {

protocol::Opcode opcode_of(MessageType type) {
  return type == MessageType::text ? protocol::Opcode::text : protocol::Opcode::binary;
}

std::string_view as_text(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace

void ClientConnection::take_frames(std::span<std::byte>& input) {
  using Step = protocol::Session::Step;
  while (phase_ == Phase::open || phase_ == Phase::closing) {
    if (paused_) return hold_input(input);
    switch (session_.next(input)) {
      case Step::need_more:
        if (!session_.in_message()) {
          message_begun_ms_ = 0;
        } else if (message_begun_ms_ == 0) {
          message_begun_ms_ = std::max(1U, static_cast<std::uint32_t>(context_.now_ms()));  // 0: none has begun
        }
        return;
      case Step::message:
        handle_message(session_.message());
        break;
      case Step::ping:
        handle_ping(session_.control_payload());
        break;
      case Step::pong:
        break;  // that anything came has reset the misses
      case Step::close:
        return handle_peer_close(session_.peer_close());
      case Step::failed:
        return fail(session_.error());
    }
  }
}

void ClientConnection::handle_message(const protocol::Session::Message& message) {
  context_.counters.messages_in.add(1);
  ++traffic_.messages_in;
  context_.counters.message_size.add(message.payload.size());
  const std::uint64_t now_ms = context_.now_ms();
  set_last_message_ms(now_ms);
  if (!context_.quotas.take_message(address_key_, now_ms)) {
    context_.counters.rate_limited.add(1);
    return close_as(ClosedBy::server, close_code::policy_violation, "too many messages");
  }
  const auto type = message.type == protocol::Opcode::text ? MessageType::text : MessageType::binary;
  const bool measured = context_.callbacks.is_due();
  const std::uint64_t begin = measured ? uv_hrtime() : 0;
  const auto outcome = context_.app.message(*this, {as_text(message.payload), type});
  if (measured) context_.counters.callback_ns.add(uv_hrtime() - begin, context_.callbacks.weight());
  if (outcome == AppHost::Outcome::threw) close_as(ClosedBy::error, close_code::internal_error, {});
}

void ClientConnection::handle_ping(std::span<const std::byte> payload) {
  // §5.5.2. After our Close nothing more is owed.
  if (phase_ == Phase::open) send_control(protocol::Opcode::pong, payload);
}

// What was published before comes before what follows now. Whether it is open.
bool ClientConnection::catch_up() {
  if (context_.channels.is_under_way()) Channels::catch_up(*this);
  return is_open();
}

SendResult ClientConnection::send(std::initializer_list<std::string_view> pieces, MessageType type) {
  if (!catch_up()) return SendResult::dropped;
  std::size_t size = 0;
  for (const std::string_view piece : pieces) size += piece.size();
  const std::size_t needed = protocol::server_header_size(size) + size;
  const auto is_full = [&] {
    const std::size_t waiting = output_.size();
    return waiting > 0 && waiting + needed > context_.limits.send_queue;
  };
  bool full = is_full();
  if (full && output_.queued() == 0) {  // the kernel may have room for all of it
    if (!output_.send_now(way())) {
      lose();
      return SendResult::dropped;
    }
    full = is_full();
  }
  if (full || (output_.queued() > 0 && !context_.has_room_for(needed))) {
    context_.counters.send_dropped.add(1);
    if (context_.limits.full_queue == FullQueue::close) {
      close_slow();
    } else {
      note_full();
    }
    return SendResult::dropped;
  }
  context_.counters.messages_out.add(1);
  ++traffic_.messages_out;
  if (!send_message(type, pieces, size)) {
    lose();
    return SendResult::dropped;
  }
  touch();
  if (output_.queued() == 0) return SendResult::sent;
  if (output_.queued() >= context_.limits.send_queue) note_full();
  return SendResult::queued;
}

bool ClientConnection::send_message(MessageType type, std::initializer_list<std::string_view> pieces,
                                    std::size_t size) {
  if (has_deflate()) {
    const auto compressed = deflate_->deflate(context_.compression, pieces, size);
    if (compressed) return send_compressed(type, *compressed);
  }
  return output_.send(way(), opcode_of(type), pieces, size);
}

bool ClientConnection::send_compressed(MessageType type, std::span<const std::byte> payload) {
  return output_.send(way(), opcode_of(type), {as_text(payload)}, payload.size(), protocol::Rsv1::yes);
}

void ClientConnection::send_control(protocol::Opcode opcode, std::span<const std::byte> payload) {
  if (!output_.send_control(way(), opcode, payload)) return lose();
  touch();
}

}  // namespace wsd::worker
