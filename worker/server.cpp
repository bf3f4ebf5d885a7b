#include "worker/server.h"

#include <malloc.h>

#include <string>
#include <utility>

#include "worker/connection_id.h"
#include "worker/log.h"
#include "worker/metrics_page.h"
#include "worker/processor_time.h"
#include "worker/resident_bytes.h"
#include "worker/tls_certificate.h"
#include "worker/tls_version.h"
#include "worker/uv_timer.h"

namespace wsd::worker {

namespace {

constexpr std::uint64_t heartbeat_ms = 100;
// Up to so many messages or publications of a heartbeat are measured one by one (sampler.h).
constexpr std::uint64_t few_events_of_a_beat = 200;
constexpr std::uint64_t nanoseconds_per_millisecond = 1'000'000;

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

std::string metrics_of(const Heritage& heritage) {
  return metrics_page(heritage.scoreboard->read(), {.now_ns = uv_hrtime(),
                                                    .version = WSD_VERSION,
                                                    .tls_library = tls_library_version(),
                                                    .memory_of = resident_bytes});
}

}  // namespace

Server::Server(Heritage& heritage, AppHost& app)
    : heritage_(heritage),
      app_(app),
      poller_(loop_, [this] { end_turn(); }),
      channels_(loop_, app, connections_),
      timers_(loop_, app),
      app_worker_(heritage, app, connections_, channels_, bus_, timers_, [this] { reception_.room().become_closed(); }),
      context_(loop_, app_worker_, app, poller_, channels_, heritage.scoreboard->row(heritage.scoreboard_row),
               heritage.limits),
      tls_(make_tls(heritage, context_.counters.protocol_errors)),
      bus_(loop_, poller_, channels_, context_.counters, context_.read_buffer(),
           {.slot = heritage.slot, .incarnation = heritage.incarnation, .homes = heritage.homes}),
      api_backend_(
          bus_, [this] { return mode_ == Mode::serving && serves_its_slot_; },
          [&heritage] { return metrics_of(heritage); }),
      api_(loop_, poller_, heritage.limits, api_backend_, heritage.api_token, context_.read_buffer()),
      reception_(context_, connections_, api_, tls_.get(), master_, id_base(heritage.slot, heritage.incarnation)),
      departures_(connections_, heritage.incarnation),
      inheritance_(loop_, [this](HandoffReceiver::Outcome outcome) { resume(std::move(outcome)); }),
      master_(
          loop_, heritage.master,
          [this](const protocol::RecordReader& order, std::vector<FileDescriptor> descriptors) {
            obey(order, std::move(descriptors));
          },
          [this] {
            log::warning("the master is gone: closing {} connections and leaving", connections_.size());
            leave();
          }) {
  context_.counters.connection_limit.set(connections_allowed(heritage.limits));
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
}

void Server::run() {
  app_.start(app_worker_);
  heart_ = make_timer(loop_, this);
  uv_timer_start(
      heart_.get(), [](uv_timer_t* timer) { static_cast<Server*>(timer->data)->beat(); }, 0, heartbeat_ms);
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
  app_.stop(app_worker_);
  log::tell_all_held_back();
}

void Server::begin_to_serve() {
  serves_its_slot_ = true;
  reception_.serve(std::move(heritage_.sockets));
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
  departures_.handle_due(context_.now_ms());
  reception_.room().look_again();
  if (tls_ != nullptr) context_.freed_memory.add(tls_->take_freed());
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
  reception_.greetings().handle_deadlines();
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
    tell_news();
    bus_.flush();
  }
  api_.end_turn();
  reception_.greetings().end_turn();
  if (tls_ != nullptr) tls_->end_turn();
  leave_if_empty();
}

void Server::tell_news() {
  const auto told = std::exchange(context_.notices, {});
  for (ClientConnection* connection : told) connection->tell();
  context_.flush();  // what they said to that; now no list but a new one of notices can name a connection
  for (ClientConnection* connection : told) {
    if (connection->is_forgotten()) connections_.erase(connection->id());
  }
}

// ---- the end --------------------------------------------------------------------------------------------------------

// What a client has begun may still be finished.
void Server::say_goodbye(std::uint16_t close_code) {
  for (ClientConnection& connection : connections_) connection.say_goodbye(close_code);
  api_.say_goodbye();
}

// Those that did not answer in time: the application still hears that they are closed.
void Server::give_up_the_rest() {
  end_turn();  // a Close that was just said leaves first
  for (ClientConnection& connection : connections_) connection.lose();
  api_.lose();
  reception_.greetings().lose();
  end_turn();
}

void Server::leave_if_empty() {
  if (inheritance_.is_on_its_way()) return;  // what is on its way to us may be nobody else's any more
  if (mode_ != Mode::serving && reception_.client_count() == 0) loop_.stop();
}

}  // namespace wsd::worker
