#include "worker/relay.h"

#include <malloc.h>

#include <algorithm>
#include <utility>

#include "worker/log.h"
#include "worker/log_outputs.h"
#include "worker/processor_time.h"
#include "worker/tcp_transport.h"
#include "worker/uv_timer.h"

namespace wsd::worker {

namespace {

constexpr std::uint64_t heartbeat_ms = 200;
// Behind the workers, whose last words pass through here, and before the master's patience ends.
constexpr std::uint64_t leave_later_than_workers_ms = 500;

std::uint64_t milliseconds(std::chrono::milliseconds duration) {
  return static_cast<std::uint64_t>(duration.count());
}

}  // namespace

Relay::Relay(Heritage& heritage, RelayCargo cargo)
    : heritage_(heritage),
      counters_(heritage.scoreboard->row(heritage.scoreboard_row)),
      poller_(loop_, [this] { end_turn(); }),
      buffer_(std::make_unique_for_overwrite<std::byte[]>(Transport::min_read_buffer)),
      context_{.poller = poller_,
               .buffer = {buffer_.get(), Transport::min_read_buffer},
               .endings = DeadlineList(milliseconds(heritage.limits.close_timeout)),
               .gone = {},
               .now_ms = now_ms()},
      tls_(std::move(cargo.tls)),
      ends_at_ms_(cargo.ends_at_ms),
      master_(
          loop_, heritage.master,
          [this](const protocol::RecordReader& order, const std::vector<FileDescriptor>& descriptors) {
            obey(order, descriptors);
          },
          [this] { leave(); }) {
  counters_.connection_limit.set(0);  // it accepts nobody any more
  ::malloc_trim(0);                   // what the application had
  for (RelayCargo::Client& client : cargo.clients) {
    auto relayed = std::make_unique<RelayedClient>(context_, std::move(client.transport),
                                                   std::make_unique<TcpTransport>(std::move(client.worker)));
    RelayedClient* const address = relayed.get();
    clients_.emplace(address, std::move(relayed));
    address->start();
  }
}

Relay::~Relay() {
  clients_.clear();
}

void Relay::run() {
  log::info("relays {} TLS connections for its successor", clients_.size());
  heart_ = make_timer(loop_, this);
  uv_timer_start(
      heart_.get(), [](uv_timer_t* handle) { static_cast<Relay*>(handle->data)->beat(); }, 0, heartbeat_ms);
  loop_.run();
  counters_.relayed.set(0);
  if (!clients_.empty()) log::info("leaves {} TLS connections that are still relayed", clients_.size());
}

void Relay::obey(const protocol::RecordReader& order, const std::vector<FileDescriptor>& descriptors) {
  if (order.type() == static_cast<std::uint16_t>(MasterOrder::reopen)) {
    return obey_reopen(order, descriptors, heritage_.access_log.get(), master_);
  }
  // It accepts nobody and serves nobody: whoever drains its clients says so through it.
  if (order.type() == static_cast<std::uint16_t>(MasterOrder::leave)) leave();
}

void Relay::leave() {
  const std::uint64_t end = now_ms() + milliseconds(heritage_.limits.stop_timeout) + leave_later_than_workers_ms;
  ends_at_ms_ = std::min(ends_at_ms_.value_or(end), end);
}

void Relay::beat() {
  counters_.heartbeat_ns.set(uv_hrtime());
  counters_.cpu_ns.set(processor_time_ns());
  context_.now_ms = now_ms();
  while (DeadlineHook* hook = context_.endings.take_due(now_ms())) {
    static_cast<RelayedClient*>(hook)->handle_deadline();
  }
  end_turn();
  log::tell_held_back();
  if (ends_at_ms_ && now_ms() >= *ends_at_ms_) loop_.stop();
}

void Relay::end_turn() {
  context_.now_ms = now_ms();
  for (RelayedClient* client : std::exchange(context_.gone, {})) clients_.erase(client);
  counters_.relayed.set(clients_.size());
  tls_->end_turn();
  if (clients_.empty()) loop_.stop();
}

}  // namespace wsd::worker
