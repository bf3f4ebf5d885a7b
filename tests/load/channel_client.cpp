#include "tests/load/channel_client.h"

#include <sys/epoll.h>

#include <algorithm>

#include "tests/load/channel_message.h"
#include "tests/load/client_frame.h"
#include "tests/load/handshake.h"

namespace wsd::load {
namespace {

constexpr int stalled_buffer = 4096;

}  // namespace

ChannelContext::ChannelContext(const Options& run_options)
    : options(run_options),
      epoll(::epoll_create1(EPOLL_CLOEXEC)),
      read_buffer(256 * 1024),
      published(options.publishers),
      got_by(options.publishers) {}

ChannelClient::ChannelClient(ChannelContext& context, Role role, std::uint32_t publisher)
    : context_(context), role_(role), publisher_(publisher), ledger_(context.options.publishers) {}

bool ChannelClient::connect() {
  const Options& options = context_.options;
  const int buffer = role_ == Role::stalled ? stalled_buffer : 0;
  if (!socket_.connect(options.host, options.port, context_.epoll, this, buffer)) {
    end(context_.errors.connect);
    return false;
  }
  state_ = State::opening;
  key_ = random_key();
  send(upgrade_request(options.host + ":" + std::to_string(options.port), options.path, key_));
  return true;
}

// ---- publishing -----------------------------------------------------------------------------------------------------

void ChannelClient::publish_probe() {
  std::string frame;
  add_message(frame, 0);
  send(frame);
}

void ChannelClient::publish(std::size_t count) {
  std::string frames;
  for (std::size_t i = 0; i < count; ++i) add_message(frames, ++context_.published[publisher_]);
  context_.got_by[publisher_].resize(context_.published[publisher_] + 1);
  send(frames);
}

void ChannelClient::add_message(std::string& frames, std::uint64_t number) const {
  const Options& options = context_.options;
  const std::string text =
      to_text({.publisher = publisher_, .number = number, .sent_at = Clock::now(), .size = options.size});
  frames += masked_frame(options.is_binary ? binary_opcode : text_opcode, text);
}

void ChannelClient::send(std::string_view bytes) {
  // A connection that has failed is noticed when it is read.
  if (unsent_.empty()) bytes.remove_prefix(socket_.send(bytes).value_or(bytes.size()));
  if (bytes.empty()) return;
  unsent_ += bytes;
  watch();
}

// ---- receiving ------------------------------------------------------------------------------------------------------

void ChannelClient::handle(std::uint32_t epoll_events) {
  if ((epoll_events & EPOLLOUT) != 0) {
    unsent_.erase(0, socket_.send(unsent_).value_or(unsent_.size()));
    watch();
  }
  if ((epoll_events & ~static_cast<std::uint32_t>(EPOLLOUT)) != 0) receive();
}

void ChannelClient::watch() const {
  socket_.watch(reads_, !unsent_.empty());
}

void ChannelClient::receive() {
  const ClientSocket::Received received = socket_.receive(context_.read_buffer);
  const Clock::time_point now = Clock::now();
  std::span<const char> bytes(context_.read_buffer.data(), received.size);
  if (state_ == State::opening) read_head(bytes);
  if (state_ == State::open) read_frames(bytes, now);
  if (received.is_end && state_ != State::over) end(context_.errors.closed);
}

void ChannelClient::read_head(std::span<const char>& bytes) {
  const std::size_t old_size = head_.size();
  head_.append(bytes.data(), bytes.size());
  const auto end_of_head = head_.find("\r\n\r\n");
  if (end_of_head == std::string::npos) return;
  bytes = bytes.subspan(end_of_head + 4 - old_size);
  if (!accepts_upgrade(std::string_view(head_).substr(0, end_of_head), key_)) return end(context_.errors.handshake);
  state_ = State::open;
  head_ = {};
  key_ = {};
  if (role_ != Role::stalled) return;
  reads_ = false;
  watch();
}

void ChannelClient::read_frames(std::span<const char> bytes, Clock::time_point now) {
  FrameReader::Piece piece;
  FrameReader::Step step{};
  while (state_ == State::open && (step = reader_.next(bytes, piece)) == FrameReader::Step::piece) {
    if (!piece.is_final) return end(context_.errors.wrong);  // wsd sends no fragments
    std::string_view payload(piece.bytes.data(), piece.bytes.size());
    if (!piece.ends_frame || !frame_.empty()) {
      frame_ += payload;
      if (!piece.ends_frame) continue;
      payload = frame_;
    }
    take_frame(piece.opcode, payload, now);
    frame_ = {};
  }
  if (step == FrameReader::Step::failed) end(context_.errors.wrong);
}

void ChannelClient::take_frame(std::uint8_t opcode, std::string_view payload, Clock::time_point now) {
  if (opcode == text_opcode || opcode == binary_opcode) return take_messages(payload, now);
  if (opcode == ping_opcode) return send(masked_frame(pong_opcode, payload));
  if (opcode != close_opcode) return end(context_.errors.wrong);
  const auto byte = [payload](std::size_t i) { return static_cast<unsigned>(static_cast<unsigned char>(payload[i])); };
  close_code_ = payload.size() < 2 ? 1005 : static_cast<std::uint16_t>(byte(0) << 8U | byte(1));
  send(masked_frame(close_opcode, payload.substr(0, 2)));
  end(context_.errors.closed);
}

// One message, or a batch of them.
void ChannelClient::take_messages(std::string_view payload, Clock::time_point now) {
  const bool is_batch = payload.starts_with('[');
  if (!is_batch && !payload.starts_with('"')) {
    ++context_.others;
    return;
  }
  if (is_batch) payload.remove_prefix(1);
  std::size_t count = 1;
  for (; take_message_at(payload, now); ++count) {
    if (!is_batch || !payload.starts_with(',')) break;
    payload.remove_prefix(1);
  }
  context_.largest_batch = std::max(context_.largest_batch, count);
  if (payload != (is_batch ? "]" : "")) ++context_.errors.wrong;
}

bool ChannelClient::take_message_at(std::string_view& payload, Clock::time_point now) {
  const auto message = take_message(payload);
  if (!message) return false;
  if (!hears(message->publisher)) ++context_.errors.wrong;  // its own
  const bool is_proper = ledger_.take(*message, context_.errors);
  if (role_ == Role::stalled || !is_proper) return true;
  ++context_.deliveries;
  context_.latencies.record(now - message->sent_at);
  auto& got_by = context_.got_by[message->publisher];
  if (message->number < got_by.size()) ++got_by[message->number];
  return true;
}

void ChannelClient::drain() {
  if (state_ != State::open) return;
  reads_ = true;
  watch();
}

// Whatever becomes of it, a client that stalls is no error: that is what it is for.
void ChannelClient::end(std::size_t& error) {
  if (role_ != Role::stalled) ++error;
  socket_.close();
  unsent_.clear();
  state_ = State::over;
}

}  // namespace wsd::load
