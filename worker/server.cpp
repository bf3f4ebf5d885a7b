#include "worker/server.h"

#include <malloc.h>

#include <algorithm>
#include <limits>
#include <set>
#include <utility>

#include "protocol/close_code.h"
#include "worker/connection_id.h"
#include "worker/log.h"
#include "worker/log_outputs.h"
#include "worker/metrics_page.h"
#include "worker/processor_time.h"
#include "worker/resident_bytes.h"
#include "worker/tls_certificate.h"
#include "worker/tls_version.h"

namespace wsd::worker {

namespace close_code = protocol::close_code;

namespace {

constexpr std::uint64_t heartbeat_ms = 100;
// Up to so many messages or publications of a heartbeat are measured one by one (sampler.h).
constexpr std::uint64_t few_events_of_a_beat = 200;
constexpr std::uint64_t nanoseconds_per_millisecond = 1'000'000;
// How many of the descriptors in reserve may be busy with saying 503.
constexpr std::size_t refusals_at_once = 32;
// How many heartbeats pass before a worker that ran out of descriptors tries again.
constexpr unsigned beats_of_rest = 10;

std::set<std::uint16_t> slots_in(const protocol::RecordReader& order) {
  std::set<std::uint16_t> slots;
  for (const std::string_view slot : order.find_all(tag(MasterField::slot))) {
    if (const auto number = protocol::number_of(slot)) slots.insert(static_cast<std::uint16_t>(*number));
  }
  return slots;
}

template <typename Callback>
UvHandle<uv_timer_t> make_timer(Loop& loop, void* data, std::uint64_t first_ms, std::uint64_t repeat_ms,
                                Callback callback) {
  auto timer = make_uv_handle<uv_timer_t>([&](uv_timer_t* handle) { return uv_timer_init(loop.get(), handle); });
  timer->data = data;
  uv_timer_start(timer.get(), callback, first_ms, repeat_ms);
  return timer;
}

std::vector<SocketRole> roles_of(const protocol::RecordReader& order) {
  const std::string_view kinds = order.find(tag(MasterField::kinds)).value_or("");
  const std::string_view proxied = order.find(tag(MasterField::proxied)).value_or("");
  std::vector<SocketRole> roles(std::max(kinds.size(), proxied.size()));
  for (std::size_t i = 0; i < kinds.size(); ++i) roles[i].kind = static_cast<SocketKind>(kinds[i]);
  for (std::size_t i = 0; i < proxied.size(); ++i) roles[i].proxied = proxied[i] == '1';
  return roles;
}

// Null if there are no certificates. Once read, their bytes are forgotten.
std::unique_ptr<TlsContext> make_tls(Heritage& heritage, Counter& failures) {
  const TlsMaterial material = std::exchange(heritage.tls, {});
  if (material.pairs.empty()) return nullptr;
  using Judgement = TlsCertificate::Judgement;
  auto tls = std::make_unique<TlsContext>(material, heritage.proving ? Judgement::strict : Judgement::lenient,
                                          [&failures] { failures.add(1); });
  if (heritage.slot == 0) {
    for (const std::string& warning : tls->warnings()) log::warning("{}", warning);
  }
  return tls;
}

protocol::HttpError out_of_room() {
  return {.status = 503,
          .text = "The server has no room for another connection. Try again in a few seconds.",
          .headers = {{"Retry-After", "5"}}};
}

}  // namespace

Server::Server(Heritage& heritage, AppHost& app)
    : heritage_(heritage),
      app_(app),
      poller_(loop_, [this] { end_turn(); }),
      channels_(loop_, app, connections_),
      context_(loop_, *this, app, poller_, channels_, heritage.scoreboard->row(heritage.scoreboard_row),
               heritage.limits),
      tls_(make_tls(heritage, context_.counters.protocol_errors)),
      bus_(loop_, poller_, channels_, context_.counters, context_.read_buffer(),
           {.slot = heritage.slot, .incarnation = heritage.incarnation, .homes = heritage.homes}),
      api_backend_(
          bus_, [this] { return mode_ == Mode::serving && serves_its_slot_; },
          [&heritage] {
            return metrics_page(heritage.scoreboard->read(), {.now_ns = uv_hrtime(),
                                                              .version = WSD_VERSION,
                                                              .tls_library = tls_library_version(),
                                                              .memory_of = resident_bytes});
          }),
      greetings_(context_, [this](Accepted client, SocketKind kind) { accept(std::move(client), kind); }),
      api_(loop_, poller_, heritage.limits, api_backend_, heritage.api_token, context_.read_buffer()),
      timers_(loop_, app),
      master_(
          loop_, heritage.master,
          [this](const protocol::RecordReader& order, std::vector<FileDescriptor> descriptors) {
            obey(order, std::move(descriptors));
          },
          [this] {
            log::warning("the master is gone: closing {} connections and leaving", connections_.size());
            leave();
          }),
      max_connections_(connections_allowed(heritage.limits)),
      max_descriptors_(connections_allowed(Limits{})) {
  context_.counters.connection_limit.set(max_connections_);
  context_.subprotocol = heritage.subprotocol;
  context_.origins = heritage.origins;
  context_.proxies = heritage.proxies;
  context_.quotas =
      AddressQuotas(heritage.addresses, heritage.scoreboard_row, heritage.limits.per_address, context_.proxies);
  context_.access_log = AccessLog(heritage.access_log.get(), heritage.slot);
  channels_.connect(bus_, context_);
}

Server::~Server() {
  connections_.clear();
  close_listeners();
}

void Server::run() {
  app_.start(*this);
  heart_ =
      make_timer(loop_, this, 0, heartbeat_ms, [](uv_timer_t* handle) { static_cast<Server*>(handle->data)->beat(); });
  beat();
  if (heritage_.successor) {
    master_.report(WorkerReport::ready);
  } else {
    // Not before its neighbours know it, and it them: or what its first clients publish would reach nobody.
    master_.report_joins_bus();
    bus_.when_settled([this] {
      begin_to_serve();
      master_.report(WorkerReport::ready);
    });
  }
  loop_.run();
  give_up_the_rest();
  timers_.cancel_all();
  app_.stop(*this);
  log::tell_all_held_back();
}

// ---- for applications -----------------------------------------------------------------------------------------------

void Server::for_each_connection(const std::function<void(Connection&)>& visit) {
  // Nothing `visit` may do destroys a connection or accepts one: the table stays as it is.
  for (ClientConnection& connection : connections_) {
    if (connection.is_open()) visit(connection);
  }
}

Connection* Server::find(ConnectionId id) {
  ClientConnection* const found = connections_.find(id);
  return found != nullptr && found->is_open() ? found : nullptr;
}

SendResult Server::publish(std::string_view channel, std::string_view data, MessageType type) {
  return channels_.publish(channel, data, type);
}

void Server::publish(std::string_view channel, std::string_view data, MessageType type,
                     std::function<void(const Delivery&)> tell) {
  channels_.publish(channel, data, type,
                    [this, tell = std::move(tell)](const Delivery& delivery) { app_.answer([&] { tell(delivery); }); });
}

SendResult Server::deliver(std::string_view channel, std::string_view data, MessageType type) {
  return channels_.deliver_here(channel, data, type);
}

SendResult Server::send_to(ConnectionId id, std::string_view data, MessageType type) {
  return bus_.send_to(id, data, type, {});
}

void Server::close_connection(ConnectionId id, std::uint16_t code, std::string_view reason) {
  bus_.close_connection(id, code, reason, {});
}

void Server::ask_channel(std::string_view channel, std::function<void(const ChannelInfo&)> tell) {
  bus_.ask_channel(channel, [this, name = std::string(channel), tell = std::move(tell)](const ChannelReport& report) {
    std::vector<Member> members;
    for (const NamedMember& member : report.members) members.push_back({member.id, member.name});
    app_.answer([&] { tell({name, report.subscribers, members, report.partial}); });
  });
}

TimerId Server::every(std::chrono::nanoseconds interval, std::function<void()> callback) {
  return timers_.every(interval, std::move(callback));
}

TimerId Server::after(std::chrono::nanoseconds delay, std::function<void()> callback) {
  return timers_.after(delay, std::move(callback));
}

void Server::stop_accepting() {
  if (std::exchange(accepts_no_more_, true)) return;
  pause_listeners();
  if (room_ != Room::free) return;
  room_ = Room::full;
  master_.report(WorkerReport::full);
}

void Server::log(std::string_view line) {
  log::info("{}", line);
}

// ---- orders ---------------------------------------------------------------------------------------------------------

void Server::obey(const protocol::RecordReader& order, std::vector<FileDescriptor> descriptors) {
  const auto number = [&order](MasterField field) { return order.number(tag(field)).value_or(0); };
  const auto slot = static_cast<std::uint16_t>(number(MasterField::slot));
  switch (static_cast<MasterOrder>(order.type())) {
    case MasterOrder::serve:
      return serve({slot, std::move(descriptors), roles_of(order)});
    case MasterOrder::release:
      return release(slot);
    case MasterOrder::drain:
      if (number(MasterField::retire) != 0) {
        for (const Service& service : services_) accept_rest(service);
      }
      return drain(static_cast<std::uint16_t>(number(MasterField::close_code)), number(MasterField::window_ms));
    case MasterOrder::leave:
      return leave();
    case MasterOrder::hand_over:
      if (descriptors.empty()) return master_.report_handoff_failed("it is out of descriptors");
      return hand_over(std::move(descriptors.front()), order.number(tag(MasterField::relay_time_ms)));
    case MasterOrder::take_over:
      return descriptors.empty() ? void() : take_over(std::move(descriptors.front()));
    case MasterOrder::begin_to_serve:
      return serve_alone();
    case MasterOrder::end_relay:
      return end_relay(static_cast<std::uint32_t>(number(MasterField::relay)), number(MasterField::window_ms));
    case MasterOrder::refuse:
      return set_room(Room::refusing);
    case MasterOrder::stop_refusing:
      return set_room(Room::full);
    case MasterOrder::bus_link:
      return descriptors.empty() ? void() : bus_.add_link(slot, std::move(descriptors.front()));
    case MasterOrder::bus_complete:
      return bus_.complete(static_cast<std::uint32_t>(number(MasterField::homes)), slots_in(order));
    case MasterOrder::publish:
      return publish_for_master(order);
    case MasterOrder::reopen:
      obey_reopen(order, descriptors, heritage_.access_log.get(), master_);
      return context_.access_log.reopened();
    case MasterOrder::list_connections:
      return list_connections(order);
  }
  log::warning("the master gave an order that this version does not know ({}); it is ignored", order.type());
}

// `wsd connections`.
void Server::list_connections(const protocol::RecordReader& order) {
  const std::uint64_t question = order.number(tag(MasterField::question)).value_or(0);
  listings_[question] = std::make_unique<ConnectionListing>(
      loop_, connections_, heritage_.slot, decode_filter(order.find(tag(MasterField::filter)).value_or("")),
      [this, question](const FileDescriptor& rows) {
        master_.report_connections(question, rows);
        listings_.erase(question);
      });
}

// `wsd publish`.
void Server::publish_for_master(const protocol::RecordReader& order) {
  const auto text = [&order](MasterField field) { return order.find(tag(field)).value_or(""); };
  const auto type = order.number(tag(MasterField::binary)).value_or(0) != 0 ? MessageType::binary : MessageType::text;
  channels_.publish(text(MasterField::channel), text(MasterField::data), type,
                    [this, question = order.number(tag(MasterField::question)).value_or(0)](const Delivery& delivery) {
                      master_.report_published(question, delivery.subscribers, delivery.partial);
                    });
}

void Server::serve(SlotSockets slot) {
  if (slot.sockets.empty()) {  // there was no descriptor for them: somebody else must
    become_exhausted();
    return master_.report_released(slot.slot);
  }
  if (mode_ != Mode::serving) return;  // the descriptors close here: nobody holds what nobody serves
  slot.roles.resize(slot.sockets.size());
  Service service{.slot = slot.slot, .listeners = {}};
  for (std::size_t i = 0; i < slot.sockets.size(); ++i) {
    const SocketRole role = slot.roles[i];
    service.listeners.push_back(std::make_unique<Listener>(
        poller_, std::move(slot.sockets[i]), heritage_.limits.accepts_per_turn,
        [this, role](Accepted client) {
          return role.proxied ? accept_proxied(std::move(client), role.kind) : accept(std::move(client), role.kind);
        },
        [this] { become_exhausted(); }));
    if (room_ == Room::full) service.listeners.back()->pause();
  }
  services_.push_back(std::move(service));
}

void Server::begin_to_serve() {
  serves_its_slot_ = true;
  serve(std::move(heritage_.sockets));
}

void Server::release(std::uint16_t slot) {
  for (const Service& service : services_) {
    if (service.slot == slot && room_ == Room::free) accept_rest(service);
  }
  std::erase_if(services_, [slot](const Service& service) { return service.slot == slot; });
  master_.report_released(slot);
}

// Sockets that may be closed for good elsewhere too: who waits in their queues would be reset.
void Server::accept_rest(const Service& service) {
  for (const auto& listener : service.listeners) listener->accept_some(std::numeric_limits<unsigned>::max());
}

void Server::close_listeners() {
  for (const Service& service : std::exchange(services_, {})) master_.report_released(service.slot);
}

void Server::drain(std::uint16_t close_code, std::uint64_t window_ms) {
  if (mode_ != Mode::serving) return;
  mode_ = Mode::draining;
  close_listeners();
  api_.say_goodbye();
  // Idle clients first, the longest idle before the others.
  std::vector<const ClientConnection*> order;
  for (const ClientConnection& connection : connections_) order.push_back(&connection);
  std::sort(order.begin(), order.end(), [](const ClientConnection* one, const ClientConnection* other) {
    if (one->is_idle() != other->is_idle()) return one->is_idle();
    return one->last_message_ms() < other->last_message_ms();
  });
  std::vector<ConnectionId> ids;
  for (const ClientConnection* connection : order) ids.push_back(connection->id());
  drain_plan_.emplace(ids, context_.now_ms(), window_ms, heritage_.incarnation);
  drain_close_code_ = close_code;
  if (!ids.empty()) log::info("draining {} connections over {} ms", ids.size(), window_ms);
}

void Server::drain_due() {
  for (const ConnectionId id : drain_plan_->take_due(context_.now_ms())) {
    if (!part_with(id, drain_close_code_)) drain_plan_->postpone(id);
  }
}

// False for one whose message is half here, or whose answer has not left: it is not to be cut, and another's deadline
// bounds it.
bool Server::part_with(ConnectionId id, std::uint16_t close_code) {
  ClientConnection* const found = connections_.find(id);
  if (found == nullptr) return true;
  if (found->is_open() && !found->is_idle()) return false;
  found->say_goodbye(close_code);
  return true;
}

void Server::end_relays_due() {
  std::vector<ConnectionId> due = std::exchange(postponed_ends_, {});
  for (const ConnectionId id : relay_ends_.take_due(context_.now_ms())) due.push_back(id);
  for (const ConnectionId id : due) {
    if (!part_with(id, close_code::service_restart)) postponed_ends_.push_back(id);
  }
}

void Server::leave() {
  if (mode_ == Mode::leaving) return;
  mode_ = Mode::leaving;
  drain_plan_.reset();
  close_listeners();
  for (ClientConnection& connection : connections_) connection.say_goodbye(close_code::going_away);
  api_.say_goodbye();
  greetings_.lose();
  leave_deadline_ = make_timer(
      loop_, this, static_cast<std::uint64_t>(heritage_.limits.stop_timeout.count()), 0, [](uv_timer_t* handle) {
        auto* server = static_cast<Server*>(handle->data);
        if (!server->connections_.empty()) {
          log::info("leaving {} connections that did not answer the Close in time", server->connections_.size());
        }
        server->loop_.stop();
      });
}

// Those that did not answer in time: the application still hears that they are closed.
void Server::give_up_the_rest() {
  end_turn();  // a Close that was just said leaves first
  for (ClientConnection& connection : connections_) connection.lose();
  api_.lose();
  greetings_.lose();
  end_turn();
}

void Server::leave_if_empty() {
  if (handoff_ != nullptr) return;  // what is on its way to us may be nobody else's any more
  if (mode_ != Mode::serving && client_count() == 0) loop_.stop();
}

// ---- clients --------------------------------------------------------------------------------------------------------

ConnectionId Server::next_id() {
  return id_base(heritage_.slot, heritage_.incarnation) | ++last_counter_;
}

// None if there is no memory for it.
std::optional<ClientTransport> Server::transport_for(Accepted& client, SocketKind kind) {
  if (kind != SocketKind::secure) return ClientTransport(std::move(client.socket));
  auto transport = tls_ == nullptr ? nullptr : tls_->accept(std::move(client.socket), client.remote_address);
  return transport == nullptr ? std::nullopt : std::optional<ClientTransport>(std::in_place, std::move(transport));
}

Listener::Verdict Server::accept(Accepted client, SocketKind kind) {
  return kind == SocketKind::api ? accept_api(std::move(client)) : accept_websocket(std::move(client), kind);
}

Listener::Verdict Server::accept_websocket(Accepted client, SocketKind kind) {
  context_.counters.accepted.add(1);
  auto transport = transport_for(client, kind);
  if (!transport) {
    become_exhausted();
    return Listener::Verdict::stop_for_now;
  }
  const ConnectionId id = next_id();
  auto connection = std::make_unique<ClientConnection>(context_, id, std::move(*transport), client.remote_address);
  if (!connection->start()) {
    become_full();  // the kernel's limit of watches: as good as out of descriptors
    return Listener::Verdict::stop_for_now;
  }
  if (room_ != Room::free) {
    context_.counters.refused.add(1);
    connection->refuse(out_of_room());
  } else {
    connection->admit();
  }
  if (mode_ != Mode::serving) connection->say_goodbye(drain_close_code_);  // its PROXY header came too late
  if (!connection->is_movable()) ++unmovable_;
  connections_.add(std::move(connection));
  return go_on_unless_full();
}

Listener::Verdict Server::accept_proxied(Accepted peer, SocketKind kind) {
  if (!greetings_.accept(std::move(peer), kind)) {
    become_full();
    return Listener::Verdict::stop_for_now;
  }
  return go_on_unless_full();
}

// While there is no room it has to wait in the accept queue, where a caller's own timeout bounds it.
Listener::Verdict Server::accept_api(Accepted client) {
  if (!api_.accept(std::move(client.socket), std::move(client.remote_address))) {
    become_full();
    return Listener::Verdict::stop_for_now;
  }
  return go_on_unless_full();
}

Listener::Verdict Server::go_on_unless_full() {
  if (has_room(room_ == Room::free ? 0 : refusals_at_once)) return Listener::Verdict::go_on;
  become_full();
  return Listener::Verdict::stop_for_now;
}

// Connections and descriptors have a limit each: a TLS client may come to need two of the latter. `more`: beyond both.
bool Server::has_room(std::size_t more) const {
  return client_count() < max_connections_ + more && descriptor_count() < max_descriptors_ + more;
}

// Not at the limit only, or one who comes and goes would make us tell of it again and again.
bool Server::has_room_again() const {
  const auto enough = [](std::size_t limit) { return limit - std::max<std::size_t>(1, limit / 20); };
  return client_count() <= enough(max_connections_) && descriptor_count() <= enough(max_descriptors_);
}

// The kernel had no descriptor or no memory for a client, below our own ceiling: that passes, but not at once.
void Server::become_exhausted() {
  beats_to_rest_ = beats_of_rest;
  become_full();
}

void Server::become_full() {
  pause_listeners();
  if (room_ != Room::free) return;
  room_ = Room::full;
  const bool by_option = max_connections_ < max_descriptors_ && client_count() >= max_connections_;
  log::stranger(log::Level::warning, "being full", "full at {} connections: raise {} or --count", client_count(),
                by_option ? "--max-connections" : "the descriptor limit (LimitNOFILE, ulimit -n)");
  master_.report(WorkerReport::full);
}

// Orders about being full that arrive when it is over are late, and mean nothing any more.
void Server::set_room(Room room) {
  if (room_ == Room::free) return;
  room_ = room;
  if (room == Room::full) return pause_listeners();
  resume_listeners();
}

void Server::look_for_room() {
  if (room_ == Room::free) return;
  if (beats_to_rest_ > 0) {
    --beats_to_rest_;
    return;
  }
  if (has_room_again() && !accepts_no_more_) {
    room_ = Room::free;
    log::stranger(log::Level::info, "having room again", "has room again at {} connections", client_count());
    master_.report(WorkerReport::has_room);
    resume_listeners();
  } else if (room_ == Room::refusing && has_room(refusals_at_once)) {
    resume_listeners();
  }
}

void Server::pause_listeners() {
  for (const Service& service : services_) {
    for (const auto& listener : service.listeners) listener->pause();
  }
}

void Server::resume_listeners() {
  for (const Service& service : services_) {
    for (const auto& listener : service.listeners) listener->resume();
  }
}

// ---- time -----------------------------------------------------------------------------------------------------------

void Server::beat() {
  const std::uint64_t now = uv_hrtime();
  const std::uint64_t expected = last_beat_ns_ + heartbeat_ms * nanoseconds_per_millisecond;
  const std::uint64_t late_ns = last_beat_ns_ != 0 && now > expected ? now - expected : 0;
  last_beat_ns_ = now;
  context_.counters.heartbeat_ns.set(now);
  context_.counters.loop_lag_ms.set(late_ns / nanoseconds_per_millisecond);
  context_.counters.cpu_ns.set(processor_time_ns());
  context_.callbacks.note(context_.counters.messages_in.get(), few_events_of_a_beat);
  bus_.note_pace(few_events_of_a_beat);
  handle_deadlines();
  if (drain_plan_) drain_due();
  end_relays_due();
  look_for_room();
  if (context_.freed_memory.take_due(context_.now_ms())) ::malloc_trim(0);
  log::tell_held_back();
  context_.counters.log_lost.set(log::all_lost_lines() + context_.access_log.lost());
}

void Server::handle_deadlines() {
  const std::uint64_t now_ms = context_.now_ms();
  for (DeadlineList* list : {&context_.handshakes, &context_.ticks, &context_.endings}) {
    while (DeadlineHook* hook = list->take_due(now_ms)) static_cast<ClientConnection*>(hook)->handle_deadline();
  }
  api_.handle_deadlines();
  greetings_.handle_deadlines();
}

void Server::end_turn() {
  bus_.flush();  // may find out that a neighbour is gone, and then there is news for us
  while (!context_.touched.empty() || !context_.notices.empty() || !context_.resumed.empty() || bus_.has_inbox()) {
    for (const ConnectionId id : std::exchange(context_.resumed, {})) {
      if (ClientConnection* const found = connections_.find(id)) found->take_waiting_input();
    }
    while (bus_.has_inbox()) bus_.take_inbox();
    bus_.flush();  // before what clients are told by, who might act on it elsewhere
    context_.flush();
    const auto told = std::exchange(context_.notices, {});
    for (ClientConnection* connection : told) connection->tell();
    context_.flush();  // what they said to that; now no list but a new one of notices can name a connection
    for (ClientConnection* connection : told) {
      if (!connection->is_forgotten()) continue;
      if (!connection->is_movable()) --unmovable_;
      connections_.erase(connection->id());
    }
    bus_.flush();
  }
  api_.end_turn();
  greetings_.end_turn();
  if (tls_ != nullptr) tls_->end_turn();
  leave_if_empty();
}

}  // namespace wsd::worker
