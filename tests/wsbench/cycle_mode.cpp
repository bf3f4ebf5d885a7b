#include "tests/wsbench/cycle_mode.h"

#include <utility>

namespace wsd::bench {

namespace {

// A server that refuses is not asked as fast as it can say no.
constexpr std::chrono::milliseconds pause_after_failure{100};

}  // namespace

CycleMode::CycleMode(const ModeContext& context)
    : context_(context),
      messages_(context.options().sizes, context.options().is_binary, context.options().prefix),
      random_(Random::from_system()),
      staying_(static_cast<std::size_t>(context.options().stay * static_cast<double>(context.connections.size()))),
      lives_(context.connections.size()) {}

void CycleMode::begin() {
  begins_ = true;
  if (is_paced()) {
    for (std::size_t i = lives_.size(); i > staying_; --i) idle_.push_back(i - 1);
    pace_ = Pace(context_);
    return;
  }
  for (std::size_t i = staying_; i < lives_.size(); ++i) begin_life(i, context_.wire.now);
}

Time CycleMode::next_time() const {
  if (!begins_) return Time::max();
  const Time due = is_paced() && !idle_.empty() ? pace_.schedule.next_due() : Time::max();
  return std::min(due, retry_at_);
}

void CycleMode::act() {
  if (retry_at_ <= context_.wire.now) {
    retry_at_ = Time::max();
    for (const std::size_t index : std::exchange(failed_, {})) {
      if (is_paced()) {
        idle_.push_back(index);
      } else {
        begin_life(index, context_.wire.now);
      }
    }
  }
  while (is_paced() && !idle_.empty() && pace_.schedule.next_due() <= context_.wire.now) {
    const Time due = pace_.schedule.next_due();
    pace_.schedule.take();
    const std::size_t index = idle_.back();
    idle_.pop_back();
    begin_life(index, due);
  }
}

void CycleMode::begin_life(std::size_t index, Time due) {
  lives_[index] = {.due = due, .echo = EchoClient(static_cast<std::uint32_t>(random_.next()), 1)};
  ++living_;
  context_.connections[index].connect();
}

void CycleMode::settle() {
  context_.statistics().errors.lost.add(std::exchange(living_, 0));
}

void CycleMode::on_open(Connection& connection) {
  if (stays(connection)) return;
  Life& life = lives_[connection.index()];
  if (!echoes()) {
    count(life);
    connection.send_close();
    return;
  }
  life.echo.queue(context_.wire.now);
  connection.send_message(messages_.opcode(), messages_.message(life.echo.take_unsent()));
}

bool CycleMode::on_piece(Connection& connection, const MessagePiece& piece) {
  if (!echoes() || stays(connection)) return true;  // what it says of its own accord is not what is looked at
  Life& life = lives_[connection.index()];
  switch (life.echo.judge(messages_, piece).verdict) {
    case EchoClient::Verdict::incomplete:
      return true;
    case EchoClient::Verdict::answer:
      life.is_answered = true;
      return true;
    case EchoClient::Verdict::doubled:
      context_.statistics().errors.doubled.add();
      context_.statistics().explain("an answer came twice");
      return true;
    case EchoClient::Verdict::skipping:
    case EchoClient::Verdict::late:
    case EchoClient::Verdict::wrong:
      break;
  }
  context_.statistics().errors.wrong.add();
  context_.statistics().explain("a new connection's first message was answered with something else");
  return false;
}

void CycleMode::on_read(Connection& connection) {
  const bool is_answered = lives_[connection.index()].is_answered;
  if (is_answered && !stays(connection) && connection.state() == Connection::State::open) connection.send_close();
}

void CycleMode::on_end(Connection& connection, Ending ending) {
  if (stays(connection)) return;
  if (living_ > 0) --living_;  // none is, for those that settle() gave up
  const std::size_t index = connection.index();
  if (ending == Ending::orderly) {
    if (echoes()) count(lives_[index]);
    if (!begins_) return;
    if (is_paced()) {
      idle_.push_back(index);
    } else {
      begin_life(index, context_.wire.now);
    }
    return;
  }
  failed_.push_back(index);
  if (retry_at_ == Time::max()) retry_at_ = context_.wire.now + pause_after_failure;
}

void CycleMode::count(const Life& life) {
  const Time now = Clock::now();
  context_.statistics().events.add();
  context_.count_latency(life.due, now);
  pace_.count(life.due, now);
}

}  // namespace wsd::bench
