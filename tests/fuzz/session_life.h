// A session's whole life, with a small message limit, with our own Close after some event, and with a move to another
// process behind every piece; with permessage-deflate or without.

#pragma once

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>

#include "protocol/close_code.h"
#include "protocol/deflate_stream.h"
#include "protocol/session.h"
#include "tests/fuzz/fuzz_input.h"
#include "tests/unit/protocol/utf8_reference.h"

namespace wsd::fuzz {

using protocol::ContextTakeover;
using protocol::Inflater;
using protocol::Opcode;
using protocol::ProtocolError;
using protocol::Session;
using protocol::test::reference_verdict;
using protocol::test::Verdict;

struct Event {
  Session::Step step;
  Opcode type = Opcode::text;
  Bytes payload;
  std::optional<std::uint16_t> code;
  ProtocolError error = ProtocolError::none;
  bool operator==(const Event&) const = default;
};

struct Options {
  std::uint64_t max_message_size;
  std::size_t events_before_close_sent;      // out of reach for most inputs
  std::optional<ContextTakeover> deflate{};  // none: it was not agreed on
};

// By three bits.
inline std::uint64_t limit_of(unsigned choice) {
  constexpr std::uint64_t limits[] = {1 << 20, 0, 1, 64, 125, 300, 1000, 65536};
  return limits[choice & 7U];
}

inline bool is_utf8(std::span<const std::byte> text) {
  return reference_verdict(text) == Verdict::valid;
}

inline Bytes copy(std::span<const std::byte> bytes) {
  return {bytes.begin(), bytes.end()};
}

inline Event message_event(const Session& session, std::uint64_t max_message_size) {
  const auto message = session.message();
  FUZZ_ASSERT(message.payload.size() <= max_message_size);
  FUZZ_ASSERT(message.type == Opcode::binary || is_utf8(message.payload));
  return {Session::Step::message, message.type, copy(message.payload), {}, {}};
}

inline Event close_event(const Session& session) {
  const auto [code, reason] = session.peer_close();
  FUZZ_ASSERT(!code || protocol::may_be_sent_by_peer(*code));
  const auto bytes = std::as_bytes(std::span{reason});
  FUZZ_ASSERT(is_utf8(bytes) && bytes.size() <= protocol::max_close_reason);
  return {Session::Step::close, {}, copy(bytes), code, {}};
}

inline Event control_event(const Session& session, Session::Step step) {
  FUZZ_ASSERT(session.control_payload().size() <= protocol::max_control_payload);
  return {step, {}, copy(session.control_payload()), {}, {}};
}

inline Event failure_event(const Session& session) {
  FUZZ_ASSERT(protocol::may_be_sent_by_peer(protocol::close_code_for(session.error())));
  return {Session::Step::failed, {}, {}, {}, session.error()};
}

inline Event event_of(const Session& session, Session::Step step, std::uint64_t max_message_size) {
  switch (step) {
    case Session::Step::message:
      return message_event(session, max_message_size);
    case Session::Step::close:
      return close_event(session);
    case Session::Step::failed:
      return failure_event(session);
    default:
      return control_event(session, step);
  }
}

class Life {
 public:
  explicit Life(const Options& options) : options_(options), session_(options.max_message_size) {
    inflater_ = use_inflater(session_);
    close_if_due();
  }

  // As the server does: what continues a message is received where it is assembled.
  void receive(Bytes piece) {
    const auto room = session_.room();
    const std::size_t size = std::min(room.size(), piece.size());
    std::copy_n(piece.begin(), size, room.begin());
    take(room.first(size));
    take(std::span(piece).subspan(size));
  }

  // As when another process takes the connection over.
  void move_to_another_session() {
    if (over_) return;
    Session successor(options_.max_message_size);
    auto inflater = use_inflater(successor);
    if (options_.deflate == ContextTakeover::yes) inflater->restore_window(inflater_->window());
    if (close_sent_) successor.close_sent();
    Bytes unfinished = session_.unfinished_input();
    std::span<std::byte> input(unfinished);
    FUZZ_ASSERT(successor.next(input) == Session::Step::need_more);
    FUZZ_ASSERT(successor.in_message() == session_.in_message());
    session_ = std::move(successor);
    inflater_ = std::move(inflater);
  }

  const std::vector<Event>& events() const { return events_; }

 private:
  void take(std::span<std::byte> input) {
    for (auto step = session_.next(input); step != Session::Step::need_more; step = session_.next(input)) {
      if (over_) return;
      events_.push_back(event_of(session_, step, options_.max_message_size));
      over_ = step == Session::Step::close || step == Session::Step::failed;
      close_if_due();
    }
    FUZZ_ASSERT(input.empty());
  }

  std::unique_ptr<Inflater> use_inflater(Session& session) {
    if (!options_.deflate) return nullptr;
    auto inflater = std::make_unique<Inflater>(std::uint8_t{15}, *options_.deflate, buffer_);
    session.use_inflater(*inflater);
    return inflater;
  }

  void close_if_due() {
    if (close_sent_ || events_.size() != options_.events_before_close_sent) return;
    close_sent_ = true;
    session_.close_sent();
  }

  Options options_;
  protocol::ScratchBuffer buffer_;
  std::unique_ptr<Inflater> inflater_;
  Session session_;
  std::vector<Event> events_;
  bool close_sent_ = false;
  bool over_ = false;
};

inline std::vector<Event> live(Pieces pieces, const Options& options) {
  Life life(options);
  for (Bytes& piece : pieces) life.receive(std::move(piece));
  return life.events();
}

inline std::vector<Event> live_in_many_processes(Pieces pieces, const Options& options) {
  Life life(options);
  for (Bytes& piece : pieces) {
    life.receive(std::move(piece));
    life.move_to_another_session();
  }
  return life.events();
}

// Nothing is processed after a Close, nor data after our own.
inline void check_order(const std::vector<Event>& events, std::size_t events_before_close_sent) {
  for (std::size_t i = 0; i < events.size(); ++i) {
    const bool last = i + 1 == events.size();
    const bool final_step = events[i].step == Session::Step::close || events[i].step == Session::Step::failed;
    FUZZ_ASSERT(last || !final_step);
    FUZZ_ASSERT(i < events_before_close_sent || final_step);
  }
}

// The same events in any chunking, and with a move to another process behind every piece.
inline void check_session(const Input& input, const Options& options) {
  const auto events = same_for_any_chunking(input, [&](Pieces pieces) { return live(std::move(pieces), options); });
  check_order(events, options.events_before_close_sent);
  FUZZ_ASSERT(live_in_many_processes(cut(input.wire, 20, input.seed), options) == events);
}

}  // namespace wsd::fuzz
