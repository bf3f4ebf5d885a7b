#include "tests/wsbench/fanout_mode.h"

#include <fmt/format.h>

#include <algorithm>
#include <random>
#include <utility>

#include "protocol/close_code.h"
#include "tests/wsbench/load_process.h"
#include "tests/wsbench/shared_run.h"

namespace wsd::bench {

namespace {

constexpr std::chrono::milliseconds between_probes{300};
constexpr std::chrono::milliseconds for_the_stalled{1500};
// What is not read yet by a stalled subscriber waits in its server.
constexpr int stalled_receive_buffer = 4096;

std::string_view text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace

FanoutMode::FanoutMode(const ModeContext& context)
    : context_(context),
      board_(*context.shared.fanout()),
      publications_(context.options().sizes.largest()),
      random_(std::random_device{}()),
      windows_(context.options().publishers),
      listening_(context.options().publishers),
      got_(context.options().publishers),
      gaps_(context.connections.size(), context.shared.schedule().disturbed_since, context.statistics().gaps) {
  set_roles();
  if (!context_.wire.poller.add(board_.waker(context_.process_index), static_cast<Mode*>(this), EPOLLIN)) std::abort();
}

void FanoutMode::set_roles() {
  const Options& options = context_.options();
  const std::size_t processes = options.processes, index = context_.process_index;
  const std::size_t subscribers = share_of(options.connections, processes, index);
  const std::size_t publishers = share_of(options.publishers, processes, index);
  listeners_.reserve(context_.connections.size());
  for (Connection& connection : context_.connections) {
    const std::size_t at = connection.index();
    Role role = at < subscribers ? Role::subscriber : Role::stalled;
    std::uint32_t number = 0;
    if (at >= subscribers && at < subscribers + publishers) {
      role = Role::publisher;
      number = static_cast<std::uint32_t>((at - subscribers) * processes + index);
      publishers_.push_back({number, &connection, {}});
    }
    if (role == Role::stalled) {
      connection.set_receive_buffer(stalled_receive_buffer);
      connection.allow_end();
    }
    listeners_.push_back({role, number, DeliveryLedger(options.publishers), {}});
  }
}

// ---- before the load ------------------------------------------------------------------------------------------------

void FanoutMode::on_open(Connection& connection) {
  Listener& listener = listeners_[connection.index()];
  listener.is_here = true;
  if (listener.role == Role::stalled) connection.watch_readable(false);
}

// A subscription may be known to all of a server a moment after the handshake's answer. That is no loss: so publishers
// probe until everybody has heard of them.
void FanoutMode::prepare() {
  phase_ = Phase::reaching;
  for (std::size_t p = 0; p < listening_.size(); ++p) {
    for (const Listener& listener : listeners_) {
      if (listener.is_here && hears(listener, p)) ++listening_[p];
    }
    windows_[p].set_listeners(listening_[p]);
    announce(p);
  }
  for (const Listener& listener : listeners_) {
    if (listener.is_here && listener.role != Role::stalled) ++unreached_;
  }
  for (const Publisher& publisher : publishers_) {
    if (publisher.connection->state() != Connection::State::open) leave(publisher.number);
  }
  recheck_reached();
  if (unreached_ == 0) board_.is_reached(context_.process_index).set(1);
  next_probe_ = context_.wire.now;
}

// A publisher that is gone reaches nobody any more.
void FanoutMode::leave(std::size_t publisher) {
  board_.is_gone(publisher).set(1);
  board_.wake_others(context_.process_index);
  if (phase_ == Phase::reaching) recheck_reached();
}

void FanoutMode::recheck_reached() {
  for (Listener& listener : listeners_) check_reached(listener);
}

bool FanoutMode::is_prepared() const {
  for (std::size_t i = 0; i < board_.processes(); ++i) {
    if (board_.is_reached(i).value() == 0) return false;
  }
  return true;
}

void FanoutMode::send_probes() {
  for (Publisher& publisher : publishers_) {
    if (publisher.connection->state() != Connection::State::open) continue;
    std::string text, frame;
    publications_.append(text, {publisher.number, 0, context_.wire.now, smallest_publication});
    publisher.connection->append_message(frame, context_.options().opcode(), text);
    publisher.connection->send(frame);
  }
  next_probe_ = context_.wire.now + between_probes;
}

void FanoutMode::check_reached(Listener& listener) {
  if (phase_ != Phase::reaching || listener.is_reached || listener.role == Role::stalled || !listener.is_here) return;
  for (std::size_t p = 0; p < board_.publishers(); ++p) {
    if (hears(listener, p) && board_.is_gone(p).value() == 0 && !listener.ledger.is_reached_by(p)) return;
  }
  listener.is_reached = true;
  if (--unreached_ > 0) return;
  board_.is_reached(context_.process_index).set(1);
  board_.wake_others(context_.process_index);
}

// ---- the load -------------------------------------------------------------------------------------------------------

void FanoutMode::begin() {
  if (!is_prepared()) return;
  phase_ = Phase::publishing;
  for (const Connection& connection : context_.connections) {
    const Listener& listener = listeners_[connection.index()];
    if (listener.is_here && listener.role == Role::subscriber) gaps_.begin(connection.index(), context_.wire.now);
  }
  const Options& options = context_.options();
  for (Publisher& publisher : publishers_) {
    if (is_open_loop()) {
      const auto turn = Seconds(static_cast<double>(publisher.number) / options.rate);
      const double rate = options.rate / static_cast<double>(options.publishers);
      publisher.schedule = SendSchedule(context_.wire.now + rounded(turn), rate);
    } else {
      publish_next(publisher);
    }
  }
}

Time FanoutMode::next_time() const {
  if (phase_ == Phase::reaching) return publishers_.empty() || is_prepared() ? Time::max() : next_probe_;
  Time next = Time::max();
  if (phase_ == Phase::finished && context_.options().stalled > 0) {
    const Time end = finished_ + for_the_stalled;
    return context_.wire.now < end ? end : next;
  }
  if (phase_ != Phase::publishing || !is_open_loop()) return next;
  for (const Publisher& publisher : publishers_) next = std::min(next, publisher.schedule.next_due());
  return next;
}

void FanoutMode::act() {
  if (phase_ == Phase::reaching) send_probes();
  if (phase_ == Phase::publishing) publish_due();
}

// What is late goes at once, all of a publisher by one write, and counts from when it was due.
void FanoutMode::publish_due() {
  for (Publisher& publisher : publishers_) {
    std::string frames;
    for (Time due = publisher.schedule.next_due(); due <= context_.wire.now; due = publisher.schedule.next_due()) {
      publisher.schedule.take();
      publish(publisher, due, frames);
    }
    if (!frames.empty()) publisher.connection->send(frames);
  }
}

void FanoutMode::publish(const Publisher& publisher, Time due, std::string& frames) {
  if (publisher.connection->state() != Connection::State::open) return;
  Counter& published = board_.published(publisher.number);
  published.add();
  context_.statistics().published.add();
  std::string text;
  publications_.append(text, {publisher.number, published.value(), due, context_.options().sizes.sample(random_)});
  publisher.connection->append_message(frames, context_.options().opcode(), text);
}

void FanoutMode::publish_next(const Publisher& publisher) {
  std::uint64_t confirmed = FanoutBoard::nobody;
  for (std::size_t i = 0; i < board_.processes(); ++i) {
    confirmed = std::min(confirmed, board_.confirmed(i, publisher.number).value());
  }
  if (confirmed == FanoutBoard::nobody) return;  // nobody listens any more
  std::string frames;
  const Time now = Clock::now();
  while (publisher.connection->state() == Connection::State::open &&
         board_.published(publisher.number).value() < confirmed + context_.options().pipeline) {
    publish(publisher, now, frames);
  }
  if (!frames.empty()) publisher.connection->send(frames);
}

void FanoutMode::announce(std::size_t publisher) {
  const PublicationWindow& window = windows_[publisher];
  board_.confirmed(context_.process_index, publisher)
      .set(window.has_listeners() ? window.confirmed() : FanoutBoard::nobody);
}

void FanoutMode::on_wakeup() {
  board_.rest(context_.process_index);
  if (phase_ == Phase::reaching) recheck_reached();
  if (phase_ != Phase::publishing || is_open_loop()) return;
  for (const Publisher& publisher : publishers_) publish_next(publisher);
}

// ---- deliveries -----------------------------------------------------------------------------------------------------

bool FanoutMode::on_piece(Connection& connection, const MessagePiece& piece) {
  Listener& listener = listeners_[connection.index()];
  const std::string_view bytes = text_of(piece.bytes);
  if (piece.offset == 0 && piece.ends_message) return take_text(listener, bytes);
  listener.partial += bytes;
  if (!piece.ends_message) return true;
  return take_text(listener, std::exchange(listener.partial, {}));
}

// One publication, or an array of them. Anything else is what the server says by itself.
bool FanoutMode::take_text(Listener& listener, std::string_view text) {
  const std::string_view whole = text;
  const bool is_batch = text.starts_with('[');
  if (!is_batch && !text.starts_with('"')) return true;
  if (is_batch) text.remove_prefix(1);
  std::uint64_t count = 0;
  while (take_publication(listener, text)) {
    ++count;
    if (!is_batch || !text.starts_with(',')) break;
    text.remove_prefix(1);
  }
  std::uint64_t& largest_batch = context_.statistics().largest_batch;
  largest_batch = std::max(largest_batch, count);
  if (text == (is_batch ? "]" : "")) return true;
  context_.statistics().errors.wrong.add();
  context_.statistics().explain(fmt::format("a subscriber got what nobody published: {}", whole.substr(0, 60)));
  return false;
}

bool FanoutMode::take_publication(Listener& listener, std::string_view& text) {
  const auto publication = publications_.take(text);
  if (!publication) return false;
  // A server may send a publication to its publisher too.
  if (listener.role == Role::publisher && publication->publisher == listener.publisher) return true;
  const bool is_known = publication->publisher < board_.publishers();
  const std::uint64_t before = is_known ? listener.ledger.last(publication->publisher) : 0;
  Errors& errors = context_.statistics().errors;
  switch (listener.ledger.take(publication->publisher, publication->number)) {
    case DeliveryLedger::Verdict::proper:
      count_delivery(listener, *publication, before);
      break;
    case DeliveryLedger::Verdict::probe:
      check_reached(listener);
      break;
    case DeliveryLedger::Verdict::doubled:
      errors.doubled.add();
      context_.statistics().explain("a publication came twice to a subscriber");
      break;
    case DeliveryLedger::Verdict::reordered:
      errors.reordered.add();
      context_.statistics().explain("a publication came to a subscriber after a later one of its publisher");
      break;
    case DeliveryLedger::Verdict::unknown:
      errors.wrong.add();
      context_.statistics().explain("somebody else publishes to this channel");
      break;
  }
  return true;
}

void FanoutMode::count_delivery(Listener& listener, const Publication& publication, std::uint64_t before) {
  if (listener.role == Role::stalled) return;
  ++deliveries_;
  context_.statistics().latencies.record(context_.wire.now - publication.sent_at);
  got_[publication.publisher] += publication.number - before;
  if (is_open_loop()) return;
  PublicationWindow& window = windows_[publication.publisher];
  const std::uint64_t confirmed = window.confirmed();
  window.got(before, publication.number);
  confirmed_more_ = confirmed_more_ || window.confirmed() != confirmed;
}

void FanoutMode::on_read(Connection& connection) {
  if (deliveries_ > 0) {
    context_.statistics().events.add(std::exchange(deliveries_, 0));
    gaps_.look(connection.index(), context_.wire.now);
  }
  if (!std::exchange(confirmed_more_, false)) return;
  for (std::size_t p = 0; p < windows_.size(); ++p) {
    if (board_.confirmed(context_.process_index, p).value() == windows_[p].confirmed()) continue;
    announce(p);
    if (board_.home_of(p) != context_.process_index) board_.wake(board_.home_of(p));
  }
  if (phase_ != Phase::publishing) return;
  for (const Publisher& publisher : publishers_) publish_next(publisher);
}

void FanoutMode::on_end(Connection& connection, Ending) {
  Listener& listener = listeners_[connection.index()];
  if (!std::exchange(listener.is_here, false) || phase_ == Phase::opening) return;
  if (listener.role == Role::stalled) return;
  if (listener.role == Role::publisher) leave(listener.publisher);
  gaps_.end(connection.index());
  context_.statistics().errors.lost.add(listener.ledger.missing());
  for (std::size_t p = 0; p < windows_.size(); ++p) {
    if (!hears(listener, p)) continue;
    --listening_[p];
    got_[p] -= listener.ledger.last(p);
    if (!is_open_loop()) windows_[p].leave(listener.ledger.last(p));
    announce(p);
    if (board_.home_of(p) != context_.process_index) board_.wake(board_.home_of(p));
  }
  if (phase_ == Phase::reaching && !listener.is_reached && --unreached_ == 0) {
    board_.is_reached(context_.process_index).set(1);
    board_.wake_others(context_.process_index);
  }
  if (phase_ != Phase::publishing || is_open_loop()) return;
  for (const Publisher& publisher : publishers_) publish_next(publisher);
}

// ---- after the load -------------------------------------------------------------------------------------------------

// Those that stalled may read now, what there still is for them.
void FanoutMode::finish() {
  phase_ = Phase::finished;
  finished_ = context_.wire.now;
  gaps_.look_at_all(finished_);
  for (Connection& connection : context_.connections) {
    const bool is_stalled = listeners_[connection.index()].role == Role::stalled;
    if (is_stalled && connection.state() == Connection::State::open) connection.watch_readable(true);
  }
  board_.has_finished(context_.process_index).set(1);
  board_.wake_others(context_.process_index);
}

std::uint64_t FanoutMode::outstanding(std::size_t publisher) const {
  if (board_.is_gone(publisher).value() != 0) return 0;
  return board_.published(publisher).value() * listening_[publisher] - got_[publisher];
}

bool FanoutMode::is_settled() const {
  for (std::size_t i = 0; i < board_.processes(); ++i) {
    if (board_.has_finished(i).value() == 0) return false;
  }
  for (std::size_t p = 0; p < windows_.size(); ++p) {
    if (outstanding(p) > 0) return false;
  }
  return context_.options().stalled == 0 || context_.wire.now >= finished_ + for_the_stalled;
}

void FanoutMode::settle() {
  Statistics& statistics = context_.statistics();
  std::uint64_t lost = 0;
  for (std::size_t p = 0; p < windows_.size(); ++p) lost += outstanding(p);
  for (const Listener& listener : listeners_) {
    if (listener.is_here && listener.role != Role::stalled) lost += listener.ledger.missing();
  }
  if (lost > 0) statistics.explain("a publication did not come to a subscriber");
  if (!is_prepared()) {
    lost += unreached_;
    statistics.explain("what a publisher says does not reach all others: does the server publish it to them?");
  }
  statistics.errors.lost.add(lost);
  look_at_stalled(statistics);
}

void FanoutMode::look_at_stalled(Statistics& statistics) const {
  for (const Connection& connection : context_.connections) {
    const Listener& listener = listeners_[connection.index()];
    if (listener.role != Role::stalled) continue;
    if (!listener.is_here) statistics.stalled_ended.add();
    if (connection.close_code() == protocol::close_code::try_again_later) statistics.stalled_closed.add();
    statistics.stalled_missed.add(listener.ledger.missing());
    for (std::size_t p = 0; p < board_.publishers(); ++p) {
      statistics.stalled_missed.add(board_.published(p).value() - listener.ledger.last(p));
    }
  }
}

}  // namespace wsd::bench
