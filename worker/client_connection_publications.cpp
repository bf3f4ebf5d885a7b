// A channel's messages, one frame for many, and what becomes of them where the client reads too slowly.

#include <algorithm>
#include <optional>

#include "worker/client_connection.h"

namespace wsd::worker {

bool ClientConnection::take_publication(SharedMessage& message, SlowConsumer channels, ClientOutput::Stream stream) {
  if (phase_ != Phase::open) return false;
  const SlowConsumer policy = policy_for(channels);
  const ClientOutput::Stream its_stream = policy == SlowConsumer::drop_oldest ? stream : SendQueue::no_stream;
  // What is for many refers to nothing, and what later messages refer to cannot be dropped.
  const bool is_for_us_alone = has_deflate() && deflate_->takes_over() && its_stream == SendQueue::no_stream;
  const SharedFrame& frame = is_for_us_alone ? message.plain() : shared_frame(message);
  if (output_.queued() > 0 && !make_room(frame.size(), policy, stream)) return false;
  context_.counters.messages_out.add(1);
  ++traffic_.messages_out;
  const auto compressed = is_for_us_alone
                              ? deflate_->deflate(context_.compression, {message.payload()}, message.payload().size())
                              : std::nullopt;
  if (!(compressed ? send_compressed(message.type(), *compressed) : output_.send(way(), frame, its_stream))) {
    lose();
    return false;
  }
  touch();
  if (output_.queued() >= context_.limits.send_queue) note_full();
  return true;
}

bool ClientConnection::take_at_once(const SharedFrame& frames, std::size_t count) {
  if (phase_ != Phase::open || has_deflate() || !movable_ || !output_.empty()) return false;
  context_.counters.messages_out.add(count);
  traffic_.messages_out += count;
  if (!output_.send_alone(way(), frames)) {
    lose();
  } else if (output_.queued() > 0) {
    if (output_.queued() >= context_.limits.send_queue) note_full();
    watch();
  }
  return true;
}

// The channel's, unless it leaves that to us.
SlowConsumer ClientConnection::policy_for(SlowConsumer channels) const {
  const bool closes = context_.limits.full_queue == FullQueue::close;
  return channels == SlowConsumer::drop_newest && closes ? SlowConsumer::close : channels;
}

// The one that the peer can read.
const SharedFrame& ClientConnection::shared_frame(SharedMessage& message) {
  if (!has_deflate()) return message.plain();
  const auto& frame = message.compressed(deflate_->parameters().server_window_bits, context_.compression);
  if (&frame != &message.plain()) deflate_->skip_shared_message();
  return frame;
}

bool ClientConnection::make_room(std::size_t size, SlowConsumer policy, ClientOutput::Stream stream) {
  const std::size_t limit = context_.limits.send_queue;
  const auto missing = [&]() -> std::size_t {
    const std::size_t needed = output_.queue_footprint() + (output_.size() - output_.queued()) + size;
    return needed > limit ? needed - limit : 0;
  };
  if (missing() == 0 && context_.has_room_for(size)) return true;
  if (policy == SlowConsumer::drop_oldest) {
    context_.counters.send_dropped.add(output_.drop_oldest(stream, std::max(missing(), size)));
    if (missing() == 0 && context_.has_room_for(size)) {
      note_full();
      return true;
    }
  }
  context_.counters.send_dropped.add(1);
  if (policy == SlowConsumer::close) {
    close_slow();
  } else {
    note_full();
  }
  return false;
}

}  // namespace wsd::worker
