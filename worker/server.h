// What one worker process does: accepts clients, serves them, obeys the master, leaves.
//
// Everything happens in the loop's one thread. Whatever a turn brings (input, a timer, an order), end_turn() then runs:
// there the turn's output leaves, the application hears what it is owed, and connections that are gone are destroyed.

#pragma once

#include <uv.h>

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "worker/api_service.h"
#include "worker/app_host.h"
#include "worker/app_worker.h"
#include "worker/bus_backend.h"
#include "worker/channels.h"
#include "worker/connection_context.h"
#include "worker/connection_listing.h"
#include "worker/connection_table.h"
#include "worker/departures.h"
#include "worker/handoff.h"
#include "worker/heritage.h"
#include "worker/inheritance.h"
#include "worker/loop.h"
#include "worker/master_link.h"
#include "worker/mesh_bus.h"
#include "worker/poller.h"
#include "worker/reception.h"
#include "worker/relay.h"
#include "worker/timer_table.h"
#include "worker/tls_context.h"
#include "worker/uv_handle.h"

namespace wsd::worker {

class Server {
 public:
  // Takes the heritage's sockets and secrets. `app` and `heritage` outlive the server. Throws TlsError.
  Server(Heritage& heritage, AppHost& app);
  ~Server();

  // Starts the application (throws what it throws), reports ready and serves until told to leave.
  void run();
  // TLS clients of connections that were handed over, if there are any: once run() has returned.
  [[nodiscard]] std::optional<RelayCargo> take_relay_cargo() { return std::exchange(relay_cargo_, std::nullopt); }

 private:
  enum class Mode : std::uint8_t {
    serving,   // clients come and go
    draining,  // no new clients; each that is left is asked to go in its time
    leaving,   // a Close is sent to everyone; the loop ends with the last, or at the deadline
  };

  // ---- orders (server_orders.cpp)
  void obey(const protocol::RecordReader& order, std::vector<FileDescriptor> descriptors);
  void drain(std::uint16_t close_code, std::uint64_t window_ms);
  void leave();
  void list_connections(const protocol::RecordReader& order);
  void publish_for_master(const protocol::RecordReader& order);

  // ---- from one worker to another (server_handoff.cpp)
  // `relay_time_ms`: after which TLS clients are told to reconnect; none: never.
  void hand_over(FileDescriptor stream, std::optional<std::uint64_t> relay_time_ms);
  struct Relaying;  // what stays here of TLS connections that are offered
  [[nodiscard]] Relaying offer_connections(HandoffSender& handoff, std::optional<std::uint64_t> relay_time_ms);
  [[nodiscard]] bool is_taken(HandoffSender& handoff, bool with_relays);
  void go_on_after(HandoffSender& handoff);
  void let_go(Relaying relaying);
  void resume(HandoffReceiver::Outcome outcome);
  void resume_connections(std::vector<HandedConnection>& handed);

  // ---- time
  void begin_to_serve();
  void beat();
  void handle_deadlines();
  void end_turn();
  void tell_news();
  void say_goodbye(std::uint16_t close_code);
  void give_up_the_rest();
  void leave_if_empty();

  Heritage& heritage_;
  AppHost& app_;
  Loop loop_;
  Poller poller_;
  ConnectionTable connections_;
  Channels channels_;
  TimerTable timers_;
  AppWorker app_worker_;
  ConnectionContext context_;
  std::unique_ptr<TlsContext> tls_;  // if there are certificates
  MeshBus bus_;
  BusBackend api_backend_;
  ApiService api_;
  Reception reception_;
  Departures departures_;
  Inheritance inheritance_;
  MasterLink master_;
  UvHandle<uv_timer_t> heart_;
  UvHandle<uv_timer_t> leave_deadline_;

  Mode mode_ = Mode::serving;
  bool serves_its_slot_ = false;
  std::vector<RecordSocket> unheard_withdrawals_;  // of handoffs that came to nothing
  std::optional<RelayCargo> relay_cargo_;
  std::map<std::uint64_t, std::unique_ptr<ConnectionListing>> listings_;  // by question
  std::uint64_t last_beat_ns_ = 0;
};

}  // namespace wsd::worker
