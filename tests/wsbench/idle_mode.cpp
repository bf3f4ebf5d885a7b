#include "tests/wsbench/idle_mode.h"

#include <random>

namespace wsd::bench {

IdleMode::IdleMode(const ModeContext& context)
    : context_(context), messages_(context.options().sizes, context.options().is_binary, context.options().prefix) {
  if (!context.options().greets) return;
  std::random_device random;
  for (std::size_t i = 0; i < context.connections.size(); ++i) clients_.emplace_back(random(), 1);
}

void IdleMode::on_open(Connection& connection) {
  if (clients_.empty()) return;
  EchoClient& client = clients_[connection.index()];
  client.queue(context_.wire.now);
  connection.send_message(messages_.opcode(), messages_.message(client.take_unsent()));
  ++greetings_;
}

// A server may say what it likes to somebody who only listens.
bool IdleMode::on_piece(Connection& connection, const MessagePiece& piece) {
  if (clients_.empty()) {
    if (piece.ends_message) context_.statistics().events.add();
    return true;
  }
  const EchoClient::Judgement judgement = clients_[connection.index()].judge(messages_, piece);
  if (judgement.verdict == EchoClient::Verdict::incomplete) return true;
  if (judgement.verdict != EchoClient::Verdict::answer) {
    context_.statistics().errors.wrong.add();
    context_.statistics().explain("a greeting was answered with something else");
    return false;
  }
  --greetings_;
  context_.statistics().events.add();
  context_.statistics().latencies.record(context_.wire.now - *judgement.due);
  return true;
}

void IdleMode::on_end(Connection& connection, Ending) {
  if (clients_.empty() || clients_[connection.index()].outstanding() == 0) return;
  --greetings_;
  context_.statistics().errors.lost.add();
}

}  // namespace wsd::bench
