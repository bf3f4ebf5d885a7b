#include "protocol/session.h"

#include <algorithm>

#include "protocol/client_frame.h"
#include "protocol/close_code.h"

namespace wsd::protocol {
namespace {

std::uint16_t code_of(std::span<const std::byte> close_payload) {
  const auto high = static_cast<unsigned>(close_payload[0]);
  return static_cast<std::uint16_t>(high << 8 | static_cast<unsigned>(close_payload[1]));
}

std::span<const std::byte> reason_of(std::span<const std::byte> close_payload) {
  return close_payload.subspan(2);
}

// §5.5.1, §7.4: no body at all, or a code and a reason in UTF-8.
ProtocolError check_close(std::span<const std::byte> payload) {
  if (payload.empty()) return ProtocolError::none;
  if (payload.size() == 1) return ProtocolError::close_payload_of_one_byte;
  if (!may_be_sent_by_peer(code_of(payload))) return ProtocolError::invalid_close_code;
  return is_valid_utf8(reason_of(payload)) ? ProtocolError::none : ProtocolError::invalid_close_reason;
}

}  // namespace

Session::Step Session::next(std::span<std::byte>& input) {
  for (;;) {
    if (event_on_heap_) release_last_event();
    if (state_ == State::header) {
      const auto step = parser_.next(input);
      if (step == FrameParser::Step::need_more) return Step::need_more;
      const auto error = step == FrameParser::Step::failed ? parser_.error() : begin_frame();
      if (error != ProtocolError::none) fail(error);
    }
    if (state_ != State::payload) return discard(input);

    const Step step = take_payload(input);
    if (step == Step::failed) return discard(input);
    // A frame may end without an event: a fragment, or what came after close_sent().
    const bool frame_ended = state_ == State::header;
    if (step != Step::need_more || !frame_ended) return step;
  }
}

ProtocolError Session::begin_frame() {
  const FrameHeader& header = parser_.header();
  // RSV1 marks a compressed message (RFC 7692 §6), if that was negotiated.
  if (header.rsv1 && inflater_ == nullptr) return ProtocolError::reserved_bits_set;
  if (!is_control(header.opcode)) {
    const auto error = begin_message_part(header);
    if (error != ProtocolError::none) return error;
  }
  payload_left_ = header.payload_length;
  state_ = State::payload;
  return ProtocolError::none;
}

ProtocolError Session::begin_message_part(const FrameHeader& header) {
  // §5.4: fragments of one message are not interleaved with another's.
  const bool continues = header.opcode == Opcode::continuation;
  if (continues && !message_unfinished_) return ProtocolError::continuation_without_start;
  if (!continues && message_unfinished_) return ProtocolError::new_message_inside_fragments;
  if (!continues) {
    type_ = header.opcode;
    compressed_ = header.rsv1;
  }
  // What is dropped anyway may be of any size. assembler_ never holds more than the limit.
  const std::uint64_t room = max_assembled_size() - assembler_.size();
  if (!close_sent_ && header.payload_length > room) return ProtocolError::message_too_big;
  message_unfinished_ = !header.fin;
  return ProtocolError::none;
}

Session::Step Session::take_payload(std::span<std::byte>& input) {
  const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(input.size(), payload_left_));
  const auto payload = input.first(size);
  input = input.subspan(size);

  const FrameHeader& header = parser_.header();
  const auto taken = static_cast<std::size_t>(header.payload_length - payload_left_);
  const Ascii ascii = unmask(payload, header.masking_key, taken);
  payload_left_ -= size;
  if (payload_left_ == 0) state_ = State::header;
  return is_control(header.opcode) ? take_control(payload) : take_data(payload, ascii);
}

// Of every message; the compiler would rather call them.
[[gnu::always_inline]] inline Session::Step Session::take_data(std::span<const std::byte> payload, Ascii ascii) {
  if (close_sent_) return Step::need_more;
  const bool shown_to_be_valid = ascii == Ascii::yes && utf8_.complete();
  // §8.1, and as early as the bytes show it.
  if (type_ == Opcode::text && !compressed_ && !shown_to_be_valid && !utf8_.feed(payload)) {
    return fail(ProtocolError::invalid_utf8);
  }
  const bool message_ended = state_ == State::header && !message_unfinished_;
  if (message_ended) return end_message(payload);
  append_to_message(payload);
  return Step::need_more;
}

[[gnu::always_inline]] inline Session::Step Session::end_message(std::span<const std::byte> last_part) {
  if (type_ == Opcode::text && !utf8_.complete()) return fail(ProtocolError::invalid_utf8);
  if (assembler_.empty()) {
    payload_ = last_part;
  } else {
    append_to_message(last_part);
    payload_ = assembler_.bytes();
    event_on_heap_ = true;
  }
  return compressed_ ? inflate_message() : Step::message;
}

// From the compressed bytes, which may lie in the input, to the message.
Session::Step Session::inflate_message() {
  event_on_heap_ = true;
  const auto result = inflater_->inflate(payload_, max_message_size_);
  if (result == Inflater::Result::too_big) return fail(ProtocolError::message_too_big);
  if (result == Inflater::Result::corrupt) return fail(ProtocolError::corrupt_compressed_data);
  assembler_.release();
  payload_ = inflater_->message();
  const bool valid = type_ != Opcode::text || is_valid_utf8(payload_);
  return valid ? Step::message : fail(ProtocolError::invalid_utf8);
}

// The bytes of an uncompressed message are those that are counted. Compressed ones are counted when they are inflated;
// until then they may be somewhat more, since data that does not compress grows by it, and each flush costs bytes.
std::uint64_t Session::max_assembled_size() const {
  return compressed_ ? max_message_size_ + max_message_size_ / 4 + 1024 : max_message_size_;
}

void Session::append_to_message(std::span<const std::byte> part) {
  assembler_.append(part, max_final_size(part.size()));
}

// Of the message that is being assembled, when so many bytes of the frame have been taken and not appended.
std::size_t Session::max_final_size(std::size_t taken) const {
  if (message_unfinished_) return static_cast<std::size_t>(max_assembled_size());
  return assembler_.size() + taken + static_cast<std::size_t>(payload_left_);
}

std::span<std::byte> Session::room_of_message() {
  if (is_control(parser_.header().opcode) || close_sent_) return {};
  return assembler_.room(static_cast<std::size_t>(payload_left_), max_final_size(0));
}

Session::Step Session::take_control(std::span<const std::byte> payload) {
  const bool frame_ended = state_ == State::header;
  const bool whole = frame_ended && control_ == nullptr;
  payload_ = whole ? payload : append_to_control(payload);
  if (!frame_ended) return Step::need_more;

  event_on_heap_ = control_ != nullptr;
  const Opcode opcode = parser_.header().opcode;
  if (opcode == Opcode::close) return take_close();
  if (close_sent_) return Step::need_more;
  return opcode == Opcode::ping ? Step::ping : Step::pong;
}

std::span<const std::byte> Session::append_to_control(std::span<const std::byte> part) {
  if (control_ == nullptr) {
    if (part.empty()) return {};
    control_ = std::make_unique<ControlBuffer>();
  }
  std::ranges::copy(part, control_->bytes.begin() + static_cast<std::ptrdiff_t>(control_->size));
  control_->size += part.size();
  return std::span{control_->bytes}.first(control_->size);
}

Session::Step Session::take_close() {
  const auto error = check_close(payload_);
  if (error != ProtocolError::none) return fail(error);
  state_ = State::closed;
  assembler_.release();
  return Step::close;
}

Session::PeerClose Session::peer_close() const {
  if (payload_.empty()) return {};
  const auto reason = reason_of(payload_);
  return {code_of(payload_), {reinterpret_cast<const char*>(reason.data()), reason.size()}};
}

void Session::close_sent() {
  close_sent_ = true;
  // A finished message may still be in use; an unfinished one will be of none.
  if (message_unfinished_ || state_ == State::payload) assembler_.release();
}

bool Session::in_message() const {
  if (state_ == State::header) return message_unfinished_ || parser_.in_header();
  return state_ == State::payload;
}

std::vector<std::byte> Session::unfinished_input() const {
  std::vector<std::byte> bytes;
  if (state_ == State::closed || state_ == State::failed) return bytes;
  const FrameHeader& header = parser_.header();
  const bool in_payload = state_ == State::payload;
  const bool in_data = in_payload && !is_control(header.opcode);
  // The message so far becomes one fragment; what is left of a frame that is half here continues it.
  if (message_unfinished_ || in_data) {
    const auto so_far = assembler_.bytes();
    const FrameHeader joined{.rsv1 = compressed_, .opcode = type_, .masking_key = {}, .payload_length = so_far.size()};
    append_client_payload(bytes, joined, so_far);
  }
  if (in_data) {
    const auto taken = static_cast<std::size_t>(header.payload_length - payload_left_);
    append_client_header(bytes, {.fin = header.fin,
                                 .rsv1 = false,
                                 .opcode = Opcode::continuation,
                                 .masking_key = rotate(header.masking_key, taken),
                                 .payload_length = payload_left_});
  } else if (in_payload) {
    const auto taken =
        control_ == nullptr ? std::span<const std::byte>() : std::span(control_->bytes).first(control_->size);
    append_client_payload(bytes, header, taken);
  }
  const auto carried = parser_.carried();
  bytes.insert(bytes.end(), carried.begin(), carried.end());
  return bytes;
}

void Session::release_last_event() {
  event_on_heap_ = false;
  control_.reset();
  if (message_unfinished_) return;
  assembler_.release();
  if (compressed_) inflater_->release();
}

// §5.5.1, §7.1.7: nothing is processed after a Close, nor after a failure.
Session::Step Session::discard(std::span<std::byte>& input) {
  input = {};
  return state_ == State::failed ? Step::failed : Step::need_more;
}

Session::Step Session::fail(ProtocolError error) {
  state_ = State::failed;
  error_ = error;
  payload_ = {};
  assembler_.release();
  control_.reset();
  if (compressed_) inflater_->release();
  return Step::failed;
}

}  // namespace wsd::protocol
