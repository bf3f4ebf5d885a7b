#include "worker/relayed_client.h"

#include <sys/epoll.h>
#include <sys/uio.h>

#include <utility>

namespace wsd::worker {

RelayedClient::RelayedClient(RelayContext& context, std::unique_ptr<Transport> client,
                             std::unique_ptr<Transport> worker)
    : context_(context), client_(*this, std::move(client)), worker_(*this, std::move(worker)) {}

RelayedClient::~RelayedClient() {
  unwatch(client_);
  unwatch(worker_);
}

void RelayedClient::start() {
  for (Side* side : {&client_, &worker_}) {
    side->watched = context_.poller.add(side->transport->descriptor(), *side, 0);
    if (!side->watched) return finish();
  }
  carry();
}

void RelayedClient::handle_ready(const Side& side, std::uint32_t events) {
  if (finished_) return;
  // It has given up a client that cannot hear why, in the middle of its handshake.
  if (&side == &worker_ && (events & EPOLLRDHUP) != 0) return finish();
  const bool over = (events & (EPOLLHUP | EPOLLERR)) != 0;
  if (over && &side == &worker_) worker_is_gone();
  // Reset while nothing of it is read: it would wake us again and again.
  if (over && &side == &client_ && !may_read(to_worker_)) return finish();
  carry();
}

// It has closed its end, or died. What it has said last still goes on: all of that is here.
void RelayedClient::worker_is_gone() {
  if (std::exchange(worker_gone_, true)) return;
  unwatch(worker_);
  to_worker_.kept.clear();
  context_.endings.arm(*this, context_.now_ms);
}

void RelayedClient::carry() {
  Carried carried = Carried::nothing;
  do {
    carried = carry(to_client_);
  } while (carried == Carried::something && worker_gone_);  // of which no more events come
  if (carried == Carried::dead || carry(to_worker_) == Carried::dead) return finish();
  // The client was told of the end: it may close first, but need not, once nobody is there any more.
  if (to_client_.passed_on && (to_worker_.passed_on || worker_gone_)) return finish();
  const bool is_ready = client_.transport->is_ready();
  const auto readable = [](const Way& way) { return may_read(way) ? std::uint32_t{EPOLLIN} : 0; };
  const auto writable = [](bool waits) { return waits ? std::uint32_t{EPOLLOUT} : 0; };
  const bool to_client_waits = (is_ready && !to_client_.kept.empty()) || client_.transport->has_unsent();
  watch(client_, readable(to_worker_) | writable(to_client_waits));
  const std::uint32_t given_up = is_ready ? 0 : std::uint32_t{EPOLLRDHUP};
  watch(worker_, readable(to_client_) | writable(!to_worker_.kept.empty()) | given_up);
}

bool RelayedClient::may_read(const Way& way) {
  return !way.ended && way.kept.empty() && way.to.transport->is_ready() && !way.to.transport->has_unsent();
}

// As much as one read gives. `dead`: there is no client any more.
RelayedClient::Carried RelayedClient::carry(Way& way) {
  const std::vector<std::byte> kept = std::exchange(way.kept, {});
  if (!pass_on(way, kept)) return Carried::dead;
  Carried carried = Carried::nothing;
  if (may_read(way)) {
    const Transfer transfer = way.from.transport->read({}, context_.buffer);
    if (transfer.status == Transfer::Status::failed && &way.from == &client_) return Carried::dead;
    if (transfer.status == Transfer::Status::failed) worker_is_gone();
    if (transfer.status == Transfer::Status::failed || transfer.status == Transfer::Status::ended) way.ended = true;
    if (transfer.status == Transfer::Status::done) {
      carried = Carried::something;
      if (!pass_on(way, context_.buffer.first(transfer.bytes))) return Carried::dead;
    }
  }
  if (way.ended && way.kept.empty() && !way.to.transport->has_unsent() && !std::exchange(way.passed_on, true)) {
    way.to.transport->shutdown_write();
  }
  return carried;
}

// Keeps what is not taken.
bool RelayedClient::pass_on(Way& way, std::span<const std::byte> bytes) {
  if (&way.to == &worker_ && worker_gone_) return true;  // nobody to hear it
  while (!bytes.empty() || way.to.transport->has_unsent()) {
    const iovec piece{.iov_base = const_cast<std::byte*>(bytes.data()), .iov_len = bytes.size()};
    const Transfer transfer = way.to.transport->write(std::span(&piece, bytes.empty() ? 0 : 1));
    if (transfer.status == Transfer::Status::failed) {
      if (&way.to == &client_) return false;
      worker_is_gone();
      return true;
    }
    bytes = bytes.subspan(transfer.bytes);
    if (transfer.bytes == 0) break;
  }
  way.kept.assign(bytes.begin(), bytes.end());
  return true;
}

void RelayedClient::watch(Side& side, std::uint32_t events) {
  if (!side.watched || events == side.watched_events) return;
  side.watched_events = events;
  context_.poller.change(side.transport->descriptor(), side, events);
}

void RelayedClient::unwatch(Side& side) {
  if (std::exchange(side.watched, false)) context_.poller.remove(side.transport->descriptor());
}

void RelayedClient::finish() {
  if (std::exchange(finished_, true)) return;
  disarm();
  unwatch(client_);
  unwatch(worker_);
  context_.gone.push_back(this);
}

}  // namespace wsd::worker
