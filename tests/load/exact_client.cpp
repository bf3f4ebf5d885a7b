#include "tests/load/exact_client.h"

#include <sys/epoll.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <utility>

#include "tests/load/client_frame.h"
#include "tests/load/handshake.h"
#include "tests/load/message_shapes.h"
#include "tests/load/numbered_message.h"

namespace wsd::load {
namespace {

using std::chrono::milliseconds;

constexpr std::size_t largest_message = 512 * 1024;
constexpr unsigned messages_before_close = 3;
constexpr unsigned pieces_of_request = 6;
constexpr milliseconds pause_in_request{90};
constexpr milliseconds idle_look{50};  // where what comes next is the server's to say
constexpr milliseconds away_between_connections{100};
constexpr milliseconds slow_parting{300};  // every other closing client keeps its end open that long

// Three such messages are less than the server's send queue, and more than all kernel buffers on the way.
constexpr std::size_t slow_reader_message = 250 * 1024;
constexpr std::size_t slow_reader_messages = 3;
constexpr int slow_reader_buffer = 16 * 1024;
constexpr milliseconds shortest_rest{400}, longest_rest{1500};

}  // namespace

Habit habit_of(std::size_t client) {
  const std::size_t place = client % 50;
  if (place < 1) return Habit::large;
  if (place < 2) return Habit::slow_reading;
  if (place < 3) return Habit::slow_opening;
  if (place < 4) return Habit::closing;
  if (place < 10) return Habit::fragmenting;
  if (place < 15) return Habit::pinging;
  if (place < 21) return Habit::halving;
  return Habit::plain;
}

ExactContext::ExactContext(const Options& run_options)
    : options(run_options),
      epoll(::epoll_create1(EPOLL_CLOEXEC)),
      interval(milliseconds(200)),
      random(std::random_device{}()),
      read_buffer(256 * 1024) {
  if (options.rate <= 0) return;
  const std::chrono::duration<double> asked(static_cast<double>(options.connections) / options.rate);
  interval = std::chrono::duration_cast<Clock::duration>(asked);
}

ExactClient::ExactClient(ExactContext& context, std::uint64_t number, Habit habit)
    : context_(context), number_(number), habit_(habit), ledger_(number, context.options.prefix) {}

// ---- what is due ----------------------------------------------------------------------------------------------------

Clock::time_point ExactClient::act(Clock::time_point now) {
  if (!reads_ && now >= rests_until_) {
    reads_ = true;
    watch();
  }
  if (state_ == State::parting && now >= next_due_) {
    socket_.close();
    state_ = State::away;
    next_due_ = now + away_between_connections;
  }
  if (state_ == State::away && now >= next_due_ && !winding_up_) connect();
  if (state_ == State::open && now >= next_due_) send_next(now);
  send_due(now);
  const bool waits_for_time = state_ == State::away || state_ == State::parting || state_ == State::open;
  Clock::time_point next = waits_for_time && next_due_ > now ? next_due_ : now + idle_look;
  if (const auto due = outbox_.due(); due && !outbox_.is_blocked()) next = std::min(next, *due);
  if (!reads_) next = std::min(next, rests_until_);
  return next;
}

void ExactClient::connect() {
  const Options& options = context_.options;
  const int buffer = habit_ == Habit::slow_reading ? slow_reader_buffer : 0;
  if (!socket_.connect(options.host, options.port, context_.epoll, this, buffer, options.is_secure)) {
    return fail(context_.errors.connect);
  }
  reader_ = FrameReader{};
  ledger_.begin_connection();
  head_.clear();
  frame_.clear();
  has_close_ = watches_writable_ = false;
  messages_of_connection_ = 0;
  state_ = State::opening;
  key_ = random_key();
  const std::string host = options.host + ":" + std::to_string(options.port);
  const std::size_t pieces = habit_ == Habit::slow_opening ? pieces_of_request : 1;
  add_trickling(outbox_, upgrade_request(host, options.path, key_), pieces, pause_in_request);
}

void ExactClient::send_next(Clock::time_point now) {
  next_due_ = now + next_pause();
  if (!outbox_.empty() || sent_last_ || ledger_.waiting() >= context_.options.pipeline) return;
  if (winding_up_) {
    sent_last_ = true;
    return add_message(Habit::plain);
  }
  const bool reconnects = habit_ == Habit::closing || habit_ == Habit::slow_opening;
  if (reconnects && messages_of_connection_ >= messages_before_close) return add_close();
  if (habit_ == Habit::slow_reading) return rest(now);
  ++messages_of_connection_;
  add_message(habit_);
}

void ExactClient::add_message(Habit habit) {
  const bool is_large = habit == Habit::large || habit == Habit::slow_reading;
  const std::size_t size = habit == Habit::slow_reading ? slow_reader_message
                           : is_large                   ? random_size(64 * 1024, largest_message)
                                                        : random_size(20, 400);
  const std::uint8_t opcode = next_message_ % 2 == 0 ? text_opcode : binary_opcode;
  const std::string message = numbered_message(number_, next_message_, size);
  ledger_.expect({.number = next_message_++, .size = message.size(), .opcode = opcode, .sent_at = {}});
  const bool in_fragments = habit == Habit::fragmenting || (habit == Habit::large && next_message_ % 3 == 0);
  if (habit == Habit::halving) return add_in_halves(outbox_, opcode, message, context_.random);
  if (in_fragments) return add_fragments(outbox_, opcode, message, context_.random);
  if (habit != Habit::pinging) return add_whole(outbox_, opcode, message);
  add_fragments(outbox_, opcode, message, context_.random, [this] { return std::to_string(++last_ping_); });
}

// The answers wait in the server's queue until this client reads again.
void ExactClient::rest(Clock::time_point now) {
  if (ledger_.waiting() > 0) return;
  for (std::size_t i = 0; i < slow_reader_messages; ++i) add_message(Habit::slow_reading);
  reads_ = false;
  rests_until_ = now + milliseconds(random_size(shortest_rest.count(), longest_rest.count()));
  ++context_.rests;
  watch();
}

// A message just before the Close is answered; what follows a Close is not (RFC 6455 §5.5.1).
void ExactClient::add_close() {
  add_message(Habit::plain);
  outbox_.add(masked_frame(close_opcode, normal_closure) + masked_frame(text_opcode, "after the Close"));
  state_ = State::closing;
}

void ExactClient::send_due(Clock::time_point now) {
  if (outbox_.empty()) return;
  outbox_.send(socket_, now, [&] { ledger_.note_sent(now); });
  if (outbox_.is_blocked() != watches_writable_) watch();
}

void ExactClient::watch() {
  watches_writable_ = outbox_.is_blocked();
  socket_.watch(reads_, watches_writable_);
}

// ---- what comes -----------------------------------------------------------------------------------------------------

void ExactClient::handle(std::uint32_t epoll_events) {
  if ((epoll_events & EPOLLOUT) != 0) send_due(Clock::now());
  if ((epoll_events & ~static_cast<std::uint32_t>(EPOLLOUT)) != 0) receive();
}

void ExactClient::receive() {
  const ClientSocket::Received received = socket_.receive(context_.read_buffer);
  std::span<const char> bytes(context_.read_buffer.data(), received.size);
  if (state_ == State::opening) read_head(bytes);
  if (state_ == State::open || state_ == State::closing) read_frames(bytes);
  if (received.is_end) end_of_stream();
}

void ExactClient::read_head(std::span<const char>& bytes) {
  const std::size_t old_size = head_.size();
  head_.append(bytes.data(), bytes.size());
  const auto end = head_.find("\r\n\r\n");
  if (end == std::string::npos) return;
  bytes = bytes.subspan(end + 4 - old_size);
  if (!accepts_upgrade(std::string_view(head_).substr(0, end), key_)) return fail(context_.errors.handshake);
  ++context_.handshakes;
  state_ = State::open;
  head_ = {};
  next_due_ = Clock::now() + Clock::duration(random_size(0, static_cast<std::size_t>(context_.interval.count())));
}

void ExactClient::read_frames(std::span<const char> bytes) {
  FrameReader::Piece piece;
  FrameReader::Step step{};
  while ((step = reader_.next(bytes, piece)) == FrameReader::Step::piece) {
    if (!piece.is_final || has_close_) return fail(context_.errors.wrong);  // wsd sends no fragments
    frame_.append(piece.bytes.data(), piece.bytes.size());
    if (!piece.ends_frame) continue;
    take_frame(piece.opcode);
    frame_.clear();
    if (state_ == State::dead) return;
  }
  if (step == FrameReader::Step::failed) return fail(context_.errors.wrong);
  if (frame_.empty()) frame_.shrink_to_fit();
}

void ExactClient::take_frame(std::uint8_t opcode) {
  if (opcode == text_opcode || opcode == binary_opcode) return take_answer(opcode);
  if (opcode == ping_opcode) return outbox_.add(masked_frame(pong_opcode, frame_));
  if (opcode == close_opcode) {
    has_close_ = true;
    if (state_ != State::closing) return fail(context_.errors.closed);
    if (frame_ != normal_closure) return fail(context_.errors.wrong);
    return;
  }
  // A pong may answer several pings at once (§5.5.3), the latest of them.
  const std::uint64_t number = std::strtoull(frame_.c_str(), nullptr, 10);
  if (opcode != pong_opcode || number <= last_pong_ || number > last_ping_) return fail(context_.errors.wrong);
  last_pong_ = number;
  ++context_.pongs;
}

void ExactClient::take_answer(std::uint8_t opcode) {
  const Clock::time_point now = Clock::now();
  const auto message = ledger_.take(opcode, frame_, context_.errors);
  if (!message) return;
  ++context_.answers;
  if (habit_ != Habit::slow_reading && message->sent_at) {
    context_.latencies.record(now - *message->sent_at);
    context_.longest_gap = std::max(context_.longest_gap, now - std::max(last_answer_, *message->sent_at));
  }
  last_answer_ = now;
}

void ExactClient::end_of_stream() {
  if (state_ == State::dead || state_ == State::parting) return;
  if (state_ != State::closing || !has_close_) return fail(context_.errors.closed);
  ledger_.give_up(context_.errors);  // every answer comes before the Close
  ++context_.closes;
  part(Clock::now());
}

void ExactClient::part(Clock::time_point now) {
  state_ = State::parting;
  outbox_.clear();
  socket_.watch(false, false);
  next_due_ = context_.closes % 2 == 0 ? now : now + slow_parting;
}

void ExactClient::fail(std::size_t& error) {
  ++error;
  std::fprintf(stderr, "client %s: habit %d failed in state %d with %zu answers to come; %s\n",
               std::to_string(number_).c_str(), static_cast<int>(habit_), static_cast<int>(state_), ledger_.waiting(),
               has_close_ && frame_.size() > 2 ? frame_.substr(2).c_str() : "no Close");
  give_up();
  outbox_.clear();
  socket_.close();
  reads_ = true;
  state_ = State::dead;
}

// ---- the end --------------------------------------------------------------------------------------------------------

void ExactClient::wind_up(Clock::time_point now) {
  winding_up_ = true;
  if (reads_ || state_ == State::dead) return;
  rests_until_ = now;
}

bool ExactClient::is_done() const {
  const bool has_no_connection = state_ == State::away || state_ == State::parting || state_ == State::dead;
  return has_no_connection ||
         (state_ == State::open && sent_last_ && ledger_.waiting() == 0 && last_pong_ == last_ping_);
}

void ExactClient::give_up() {
  ledger_.give_up(context_.errors);
}

// A plain run keeps its pace, so that two runs can be compared.
Clock::duration ExactClient::next_pause() {
  if (winding_up_) return milliseconds(20);
  if (context_.options.is_plain) return context_.interval;
  const auto interval = static_cast<std::size_t>(context_.interval.count());
  return Clock::duration(random_size(interval / 2, interval * 3 / 2));
}

std::size_t ExactClient::random_size(std::size_t least, std::size_t most) {
  return std::uniform_int_distribution<std::size_t>(least, most)(context_.random);
}

}  // namespace wsd::load
