#include "worker/proxy_greetings.h"

#include <sys/epoll.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <utility>

#include "protocol/assertion.h"
#include "protocol/trusted_proxies.h"
#include "worker/log.h"

namespace wsd::worker {

namespace {

using Step = protocol::ProxyHeaderParser::Step;

}  // namespace

ProxyGreetings::ProxyGreetings(ConnectionContext& context, OnClient on_client)
    : context_(context),
      on_client_(std::move(on_client)),
      deadlines_(static_cast<std::uint64_t>(context.limits.handshake_timeout.count())) {}

bool ProxyGreetings::accept(Accepted peer, SocketKind kind) {
  if (!trusts(peer.remote_address)) {
    refuse(peer.remote_address, "nobody said to trust this proxy (--trusted-proxy)");
    return true;
  }
  Greeting* const greeting = add(std::make_unique<Greeting>(*this, std::move(peer), kind));
  if (greeting == nullptr) return false;
  deadlines_.arm(*greeting, context_.now_ms());
  return true;
}

// Whoever may open a unix socket of ours was let in by its file's owner.
bool ProxyGreetings::trusts(std::string_view peer) const {
  return peer == protocol::TrustedProxies::unix_peer || context_.proxies.trust(peer);
}

ProxyGreetings::Greeting* ProxyGreetings::add(std::unique_ptr<Greeting> greeting) {
  if (!greeting->watch()) return nullptr;
  Greeting* const address = greeting.get();
  greetings_.emplace(address, std::move(greeting));
  return address;
}

void ProxyGreetings::refuse(std::string_view peer, std::string_view why) {
  context_.counters.accepted.add(1);  // which else its becoming a client does
  context_.counters.protocol_errors.add(1);
  log::stranger(log::Level::debug, "proxies that were refused", "connection from {} closed: {}", peer, why);
}

void ProxyGreetings::handle_deadlines() {
  while (DeadlineHook* hook = deadlines_.take_due(context_.now_ms())) {
    static_cast<Greeting*>(hook)->end("its PROXY header did not arrive in time");
  }
}

void ProxyGreetings::end_turn() {
  for (Greeting* greeting : std::exchange(done_, {})) greetings_.erase(greeting);
}

void ProxyGreetings::lose() {
  for (const auto& [address, greeting] : greetings_) greeting->end({});
}

std::vector<ProxyGreetings::Saved> ProxyGreetings::save() const {
  WSD_ASSERT(done_.empty());
  std::vector<Saved> saved;
  for (const auto& [address, greeting] : greetings_) saved.push_back(greeting->save());
  return saved;
}

void ProxyGreetings::hand_over() {
  lose();  // of the sockets, which now are copies
  end_turn();
}

void ProxyGreetings::resume(const ProxyGreetingState& state, FileDescriptor socket) {
  auto resumed = std::make_unique<Greeting>(*this, Accepted{std::move(socket), state.remote_address}, state.kind);
  std::span<const std::byte> input(state.input);
  // What the old worker had read was no whole header, or it would have gone on.
  if (resumed->take(input) != Step::need_more) return;
  if (Greeting* const greeting = add(std::move(resumed))) {
    deadlines_.restore(*greeting, state.due_ms, context_.now_ms());
  }
}

// ---- one of them ----------------------------------------------------------------------------------------------------

ProxyGreetings::Greeting::Greeting(ProxyGreetings& owner, Accepted peer, SocketKind kind)
    : owner_(owner), peer_(std::move(peer)), kind_(kind) {}

ProxyGreetings::Greeting::~Greeting() {
  if (watched_) owner_.context_.poller.remove(peer_.socket.get());
}

bool ProxyGreetings::Greeting::watch() {
  watched_ = owner_.context_.poller.add(peer_.socket.get(), *this, EPOLLIN);
  return watched_;
}

Step ProxyGreetings::Greeting::take(std::span<const std::byte>& input) {
  return parser_.next(input);
}

void ProxyGreetings::Greeting::handle_ready(std::uint32_t /*events*/) {
  read();
}

// Looks first and then takes what belongs to the header: the rest is for whoever reads from this socket next.
void ProxyGreetings::Greeting::read() {
  std::array<std::byte, protocol::ProxyHeaderParser::max_size_v2> buffer;
  for (;;) {
    const ssize_t size = ::recv(peer_.socket.get(), buffer.data(), buffer.size(), MSG_PEEK);
    if (size < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)) return;
    if (size <= 0) return end({});  // a proxy that asks whether somebody listens says nothing
    std::span<const std::byte> rest(buffer.data(), static_cast<std::size_t>(size));
    const Step step = take(rest);
    if (step == Step::failed) return end("it does not begin with a PROXY header");
    const std::size_t taken = static_cast<std::size_t>(size) - rest.size();
    if (::recv(peer_.socket.get(), buffer.data(), taken, 0) != static_cast<ssize_t>(taken)) return end({});
    owner_.context_.counters.bytes_in.add(taken);
    if (step == Step::complete) return introduce();
  }
}

void ProxyGreetings::Greeting::introduce() {
  const auto& source = parser_.source();
  owner_.on_client_({release(), source ? source->to_string() : peer_.remote_address}, kind_);
}

void ProxyGreetings::Greeting::end(std::string_view why) {
  if (!watched_) return;
  if (!why.empty()) owner_.refuse(peer_.remote_address, why);
  release().reset();
}

FileDescriptor ProxyGreetings::Greeting::release() {
  owner_.context_.poller.remove(peer_.socket.get());
  watched_ = false;
  disarm();
  owner_.done_.push_back(this);
  return std::move(peer_.socket);
}

ProxyGreetings::Saved ProxyGreetings::Greeting::save() const {
  const auto input = parser_.unfinished_input();
  return {.state = {.remote_address = peer_.remote_address,
                    .kind = kind_,
                    .input = {input.begin(), input.end()},
                    .due_ms = due_ms(owner_.context_.now_ms())},
          .descriptor = peer_.socket.get()};
}

}  // namespace wsd::worker
