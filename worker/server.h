// What one worker process does: accepts clients, serves them, obeys the master, leaves.
//
// Everything happens in the loop's one thread. Whatever a turn brings (input, a timer, an order), end_turn() then runs:
// there the turn's output leaves, the application hears what it is owed, and connections that are gone are destroyed.

#pragma once

#include <uv.h>
#include <wsd/worker.h>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "worker/api_service.h"
#include "worker/app_host.h"
#include "worker/bus_backend.h"
#include "worker/channels.h"
#include "worker/client_connection.h"
#include "worker/connection_context.h"
#include "worker/connection_listing.h"
#include "worker/connection_table.h"
#include "worker/drain_plan.h"
#include "worker/handoff.h"
#include "worker/heritage.h"
#include "worker/listener.h"
#include "worker/loop.h"
#include "worker/master_link.h"
#include "worker/mesh_bus.h"
#include "worker/poller.h"
#include "worker/proxy_greetings.h"
#include "worker/relay.h"
#include "worker/relay_ends.h"
#include "worker/timer_table.h"
#include "worker/tls_context.h"
#include "worker/uv_handle.h"

namespace wsd::worker {

class Server final : public Worker {
 public:
  // Takes the heritage's sockets and secrets. `app` and `heritage` outlive the server. Throws TlsError.
  Server(Heritage& heritage, AppHost& app);
  ~Server();

  // Starts the application (throws what it throws), reports ready and serves until told to leave.
  void run();
  // TLS clients of connections that were handed over, if there are any: once run() has returned.
  [[nodiscard]] std::optional<RelayCargo> take_relay_cargo() { return std::exchange(relay_cargo_, std::nullopt); }

  // ---- for applications
  [[nodiscard]] unsigned slot() const override { return heritage_.slot; }
  [[nodiscard]] unsigned generation() const override { return heritage_.generation; }
  [[nodiscard]] std::size_t connection_count() const override { return context_.counters.connections.get(); }
  void for_each_connection(const std::function<void(Connection&)>& visit) override;
  [[nodiscard]] Connection* find(ConnectionId id) override;
  SendResult publish(std::string_view channel, std::string_view data, MessageType type) override;
  void publish(std::string_view channel, std::string_view data, MessageType type,
               std::function<void(const Delivery&)> tell) override;
  SendResult deliver(std::string_view channel, std::string_view data, MessageType type) override;
  SendResult send_to(ConnectionId id, std::string_view data, MessageType type) override;
  void close_connection(ConnectionId id, std::uint16_t code, std::string_view reason) override;
  void ask_channel(std::string_view channel, std::function<void(const ChannelInfo&)> tell) override;
  TimerId every(std::chrono::nanoseconds interval, std::function<void()> callback) override;
  TimerId after(std::chrono::nanoseconds delay, std::function<void()> callback) override;
  void cancel(TimerId timer) override { timers_.cancel(timer); }
  void stop_accepting() override;
  void log(std::string_view line) override;

 private:
  enum class Mode : std::uint8_t {
    serving,   // clients come and go
    draining,  // no new clients; the plan parts with those that are left
    leaving,   // a Close is sent to everyone; the loop ends with the last, or at the deadline
  };

  enum class Room : std::uint8_t {
    free,      // accepts
    full,      // leaves its sockets to neighbours
    refusing,  // neighbours are full too: accepts, and answers 503
  };

  // The sockets of one slot that we accept from.
  struct Service {
    std::uint16_t slot;
    std::vector<std::unique_ptr<Listener>> listeners;
  };

  // ---- orders
  void obey(const protocol::RecordReader& order, std::vector<FileDescriptor> descriptors);
  void serve(SlotSockets slot);
  void release(std::uint16_t slot);
  void drain(std::uint16_t close_code, std::uint64_t window_ms);
  void leave();
  void begin_to_serve();
  void list_connections(const protocol::RecordReader& order);
  void publish_for_master(const protocol::RecordReader& order);
  void accept_rest(const Service& service);
  void close_listeners();

  // ---- from one worker to another (server_handoff.cpp)
  // `relay_time_ms`: after which TLS clients are told to reconnect; none: never.
  void hand_over(FileDescriptor stream, std::optional<std::uint64_t> relay_time_ms);
  struct Relaying;  // what stays here of TLS connections that are offered
  [[nodiscard]] Relaying offer_connections(HandoffSender& handoff, std::optional<std::uint64_t> relay_time_ms);
  void take_over(FileDescriptor stream);
  void serve_alone();
  void resume(HandoffReceiver::Outcome outcome);

  // ---- clients
  Listener::Verdict accept(Accepted client, SocketKind kind);
  Listener::Verdict accept_websocket(Accepted client, SocketKind kind);
  [[nodiscard]] std::optional<ClientTransport> transport_for(Accepted& client, SocketKind kind);
  Listener::Verdict accept_api(Accepted client);
  Listener::Verdict accept_proxied(Accepted peer, SocketKind kind);
  ConnectionId next_id();
  [[nodiscard]] Listener::Verdict go_on_unless_full();
  // Of both kinds, and those that may become one.
  [[nodiscard]] std::size_t client_count() const { return connections_.size() + api_.size() + greetings_.size(); }
  // With those that it takes to relay them at a reload.
  [[nodiscard]] std::size_t descriptor_count() const { return client_count() + unmovable_; }
  [[nodiscard]] bool has_room(std::size_t more) const;
  [[nodiscard]] bool has_room_again() const;
  void become_full();
  void become_exhausted();
  void set_room(Room room);
  void look_for_room();
  void pause_listeners();
  void resume_listeners();

  // ---- time
  void beat();
  void handle_deadlines();
  void drain_due();
  [[nodiscard]] bool part_with(ConnectionId id, std::uint16_t close_code);
  void end_relays_due();
  void end_relay(std::uint32_t relay, std::uint64_t window_ms);
  void end_turn();
  void give_up_the_rest();
  void leave_if_empty();

  Heritage& heritage_;
  AppHost& app_;
  Loop loop_;
  Poller poller_;
  ConnectionTable connections_;
  Channels channels_;
  ConnectionContext context_;
  std::unique_ptr<TlsContext> tls_;  // if there are certificates
  MeshBus bus_;
  BusBackend api_backend_;
  ProxyGreetings greetings_;
  ApiService api_;
  TimerTable timers_;
  std::vector<Service> services_;
  MasterLink master_;
  UvHandle<uv_timer_t> heart_;
  UvHandle<uv_timer_t> leave_deadline_;

  Mode mode_ = Mode::serving;
  std::unique_ptr<HandoffReceiver> handoff_;
  std::optional<HandoffReceiver::Outcome> orphaned_;  // what to do with it is the master's to say
  bool predecessor_is_dead_ = false;
  bool serves_its_slot_ = false;
  std::vector<RecordSocket> unheard_withdrawals_;  // of handoffs that came to nothing
  std::optional<DrainPlan> drain_plan_;
  std::uint16_t drain_close_code_ = 0;
  std::optional<RelayCargo> relay_cargo_;
  RelayEnds relay_ends_;  // of connections whose TLS another process has
  std::vector<ConnectionId> postponed_ends_;
  std::map<std::uint64_t, std::unique_ptr<ConnectionListing>> listings_;  // by question
  std::size_t unmovable_ = 0;       // connections whose descriptor is not all there is to them
  std::uint64_t last_counter_ = 0;  // of connection ids
  std::uint64_t last_beat_ns_ = 0;
  std::size_t max_connections_;
  std::size_t max_descriptors_;  // for clients: the limit, less what is kept in reserve
  Room room_ = Room::free;
  unsigned beats_to_rest_ = 0;    // before there may be room again
  bool accepts_no_more_ = false;  // by stop_accepting()
};

}  // namespace wsd::worker
