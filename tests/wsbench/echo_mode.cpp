#include "tests/wsbench/echo_mode.h"

#include <fmt/format.h>

#include <algorithm>
#include <random>
#include <utility>

namespace wsd::bench {

namespace {

constexpr std::chrono::milliseconds before_reconnect{100};
constexpr std::size_t largest_write = 1024 * 1024;
constexpr std::size_t shown_bytes = 40;  // of an answer that is wrong

std::size_t write_buffer_size(const EchoMessages& messages, std::size_t pipeline) {
  return std::max(messages.largest_frame(), std::min(largest_write, pipeline * messages.largest_frame()));
}

}  // namespace

EchoMode::EchoMode(const ModeContext& context)
    : context_(context),
      messages_(context.options().sizes, context.options().is_binary, context.options().prefix),
      write_buffer_(write_buffer_size(messages_, context.options().pipeline)),
      gaps_(context.connections.size(), context.shared.schedule().disturbed_since, context.statistics().gaps) {
  std::random_device random;
  clients_.reserve(context.connections.size());
  for (std::size_t i = 0; i < context.connections.size(); ++i)
    clients_.emplace_back(random(), context.options().pipeline);
}

void EchoMode::begin() {
  sends_ = true;
  const Time now = context_.wire.now;
  const Options& options = context_.options();
  for (const Connection& connection : context_.connections) {
    if (connection.state() == Connection::State::open) gaps_.begin(connection.index(), now);
  }
  if (options.rate > 0) {
    pace_ = Pace(context_);
    return;
  }
  for (Connection& connection : context_.connections) {
    if (connection.state() != Connection::State::open) continue;
    queue(clients_[connection.index()], now, options.pipeline);
    send_queued(connection);
  }
}

Time EchoMode::next_time() const {
  const Time reconnect = reconnects_.empty() ? Time::max() : reconnects_.front().first;
  return std::min(reconnect, sends_ && context_.options().rate > 0 ? pace_.schedule.next_due() : Time::max());
}

void EchoMode::act() {
  reconnect_due();
  if (sends_ && context_.options().rate > 0) send_due();
}

void EchoMode::reconnect_due() {
  while (!reconnects_.empty() && reconnects_.front().first <= context_.wire.now) {
    const std::size_t index = reconnects_.front().second;
    reconnects_.pop_front();
    context_.connections[index].connect();
  }
}

// What is late goes at once, all of a connection by one write, and counts from when it was due.
void EchoMode::send_due() {
  std::size_t touched = 0;
  for (Time due = pace_.schedule.next_due(); due <= context_.wire.now; due = pace_.schedule.next_due()) {
    const std::uint64_t number = pace_.schedule.take();
    Connection& connection = context_.connections[number % context_.connections.size()];
    if (connection.state() == Connection::State::open) {
      queue(clients_[connection.index()], due, 1);
    } else if (context_.options().reconnects()) {
      context_.statistics().unsent.add();
    } else {
      context_.statistics().errors.lost.add();
    }
    touched = std::min(touched + 1, context_.connections.size());
    if (touched == 1) first_touched_ = connection.index();
  }
  for (std::size_t i = 0; i < touched; ++i) {
    Connection& connection = context_.connections[(first_touched_ + i) % context_.connections.size()];
    if (connection.state() == Connection::State::open) send_queued(connection);
  }
}

void EchoMode::finish() {
  sends_ = false;
  reconnects_.clear();
  gaps_.look_at_all(context_.wire.now);
}

void EchoMode::settle() {
  context_.statistics().errors.lost.add(std::exchange(outstanding_, 0));
}

bool EchoMode::on_piece(Connection& connection, const MessagePiece& piece) {
  EchoClient& client = clients_[connection.index()];
  const EchoClient::Judgement judgement = client.judge(messages_, piece);
  Errors& errors = context_.statistics().errors;
  switch (judgement.verdict) {
    case EchoClient::Verdict::answer:
    case EchoClient::Verdict::skipping:
      count_answer(*judgement.due);
      return true;
    case EchoClient::Verdict::incomplete:
      return true;
    case EchoClient::Verdict::late:
      errors.reordered.add();
      context_.statistics().explain("an answer came after one to a later message");
      --outstanding_;
      return true;
    case EchoClient::Verdict::doubled:
      errors.doubled.add();
      context_.statistics().explain("an answer came twice");
      return true;
    case EchoClient::Verdict::wrong:
      break;
  }
  errors.wrong.add();
  return explain(connection, piece);
}

void EchoMode::on_read(Connection& connection) {
  const std::size_t answers = std::exchange(answers_, 0);
  if (answers == 0) return;
  context_.statistics().events.add(answers);
  outstanding_ -= answers;
  gaps_.look(connection.index(), context_.wire.now);
  if (!sends_ || context_.options().rate > 0 || connection.state() != Connection::State::open) return;
  queue(clients_[connection.index()], context_.wire.now, answers);
  send_queued(connection);
}

void EchoMode::on_open(Connection& connection) {
  if (sends_) context_.statistics().reconnected.add();
  if (sends_ && context_.options().rate == 0) {
    queue(clients_[connection.index()], context_.wire.now, context_.options().pipeline);
    send_queued(connection);
  }
}

void EchoMode::on_end(Connection& connection, Ending ending) {
  EchoClient& client = clients_[connection.index()];
  outstanding_ -= std::exchange(answers_, 0);
  const std::uint64_t lost = client.outstanding();
  outstanding_ -= lost;
  context_.statistics().errors.lost.add(lost);
  client = EchoClient(std::random_device{}(), context_.options().pipeline);
  if (!sends_ || !context_.options().reconnects()) return;
  reconnects_.emplace_back(context_.wire.now + before_reconnect, connection.index());
  // While a server is away, that nobody answers is no news.
  Errors& errors = context_.statistics().errors;
  if (ending != Ending::refused && ending != Ending::handshake) return;
  Counter& counted = ending == Ending::refused ? errors.connect : errors.handshake;
  counted.set(counted.value() - 1);
  context_.statistics().failed_reconnects.add();
}

void EchoMode::queue(EchoClient& client, Time due, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) client.queue(due);
  outstanding_ += count;
}

void EchoMode::send_queued(Connection& connection) {
  EchoClient& client = clients_[connection.index()];
  if (connection.is_compressed()) return send_compressed(connection, client);
  while (client.has_unsent() && connection.takes_bytes()) {
    char* const start = write_buffer_.data();
    const char* const last_start = start + write_buffer_.size() - messages_.largest_frame();
    char* end = start;
    while (client.has_unsent() && end <= last_start) {
      end = messages_.write_frame(end, client.take_unsent(), context_.wire.keys);
    }
    connection.send({start, static_cast<std::size_t>(end - start)});
  }
}

void EchoMode::send_compressed(Connection& connection, EchoClient& client) {
  std::string frames;
  while (client.has_unsent() && connection.takes_bytes()) {
    while (client.has_unsent() && frames.size() < largest_write) {
      char* const start = write_buffer_.data();
      const char* const end = messages_.write_message(start, client.take_unsent());
      connection.append_message(frames, messages_.opcode(), {start, end});
    }
    connection.send(frames);
    frames.clear();
  }
}

void EchoMode::count_answer(Time due) {
  ++answers_;
  context_.count_latency(due, context_.wire.now);
  pace_.count(due, context_.wire.now);
}

bool EchoMode::explain(const Connection& connection, const MessagePiece& piece) {
  const EchoClient& client = clients_[connection.index()];
  const std::string_view text(reinterpret_cast<const char*>(piece.bytes.data()), piece.bytes.size());
  const std::size_t message = text.find(messages_.message(client.awaited()).substr(0, shown_bytes));
  context_.statistics().explain(
      piece.opcode != messages_.opcode() ? fmt::format("the server answered with a {} message",
                                                       piece.opcode == protocol::Opcode::text ? "text" : "binary")
      : piece.offset == 0 && message != std::string_view::npos && message > 0
          ? fmt::format("the server puts \"{0}\" before each message: --prefix '{0}' expects that",
                        text.substr(0, std::min(message, shown_bytes)))
          : fmt::format("answer {} of a connection is not its message: \"{}\"{}", client.expected(),
                        text.substr(0, shown_bytes),
                        piece.offset == 0 ? "" : fmt::format(" at byte {}", piece.offset)));
  return false;
}

}  // namespace wsd::bench
