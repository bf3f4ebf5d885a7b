// The bus that needs no server: a stream between every two workers of the machine, made by the master (bus.h says what
// a bus does, bus_protocol.h what goes over the streams).
//
// Owned by the server, which gives it links, tells it when a turn ends, and passes it on at a handoff. A worker that is
// new gets fresh links; both sides forget what they knew of each other and tell their interest anew, so that a record
// cut in half by a death harms nobody. It is *settled* once every neighbour has done so: before, it does not know who
// is there, and what it is asked as a home waits.

#pragma once

#include <uv.h>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "worker/bus.h"
#include "worker/bus_link.h"
#include "worker/bus_protocol.h"
#include "worker/homes.h"
#include "worker/interest_table.h"
#include "worker/kept_outbox.h"
#include "worker/loop.h"
#include "worker/poller.h"
#include "worker/questions.h"
#include "worker/sampler.h"
#include "worker/scoreboard.h"
#include "worker/uv_handle.h"

namespace wsd::worker {

class MeshBus final : public Bus, private SlotSender {
 public:
  struct Place {
    std::uint16_t slot = 0;
    std::uint32_t incarnation = 0;
    std::uint32_t homes = 1;
    std::size_t max_waiting = std::size_t{16} << 20;  // bytes for one slot, before publications to it are dropped
    // For neighbours to introduce themselves, or to take a step: one that is stalled must not keep others from serving.
    std::uint64_t settle_patience_ms = 500;
  };

  // All but the place outlive it. `read_buffer` may be used by others between calls.
  MeshBus(Loop& loop, Poller& poller, BusClient& client, ScoreboardRow& counters, std::span<std::byte> read_buffer,
          const Place& place);
  MeshBus(const MeshBus&) = delete;
  MeshBus& operator=(const MeshBus&) = delete;

  // ---- for the worker
  void set_interest(std::string_view channel, bool interested) override;
  SendResult publish(const Publication& publication, TellDelivery tell) override;
  std::uint64_t join(std::string_view channel, ConnectionId id, std::string_view name) override;
  void rejoin(std::string_view channel, ConnectionId id, std::string_view name) override;
  void leave(std::string_view channel, ConnectionId id) override;
  SendResult send_to(ConnectionId id, std::string_view data, MessageType type, TellOne tell) override;
  void close_connection(ConnectionId id, std::uint16_t code, std::string_view reason, TellOne tell) override;
  void ask_channel(std::string_view channel, TellChannel tell) override;
  void list_channels(std::string_view prefix, TellChannels tell) override;
  void ask_connection(ConnectionId id, TellConnection tell) override;

  // ---- for the server
  // A fresh link to this slot, in place of an older one.
  void add_link(std::uint16_t slot, FileDescriptor socket);
  // Every neighbour there is has its link by now, but for those in a handoff: their links are due. `homes`: the number
  // of home slots from here on.
  void complete(std::uint32_t homes, std::set<std::uint16_t> due_links = {});
  // `tell` is called once, now or when it has come to pass, at the latest half a second after complete().
  void when_settled(std::function<void()> tell);

  // What this slot has told itself, and answers that are complete: to be worked off before the turn ends.
  [[nodiscard]] bool has_inbox() const {
    return !inbox_.empty() || questions_.has_complete() || (is_on_bus_ && !unpublished_.empty());
  }
  void take_inbox();
  // This turn's records leave.
  void flush();
  // Now and then: above so many publications since the last time, not each is measured (sampler.h).
  void note_pace(std::uint64_t few) { measured_.note(counters_.published.get(), few); }

  // ---- from one worker to another (mesh_bus_state.cpp)
  struct State {
    std::vector<std::byte> records;
    std::vector<int> links;  // as the records number them; still owned here
  };
  // After the end of a turn.
  [[nodiscard]] State save() const;
  // The links are the new worker's: this one says and hears nothing any more.
  void hand_over();
  // In the new worker, before anything else. False if the records make no sense: nothing is taken then.
  [[nodiscard]] bool restore(std::span<const std::byte> records, std::vector<FileDescriptor> links);

 private:
  using Slot = std::uint16_t;
  using Record = std::vector<std::byte>;

  // Another slot.
  struct Peer {
    std::unique_ptr<BusLink> link;  // null, or ended: nobody is there
    std::uint32_t homes = 0;        // the number it goes by
    KeptOutbox outbox;              // what it is the home of
    std::uint64_t passed_on = 0;    // publications of it, up to this number
    std::uint64_t acknowledged = 0;
    [[nodiscard]] bool is_there() const { return link != nullptr && link->is_open(); }
  };

  // A record that waits for its time.
  struct Deferred {
    Slot from;
    Record record;
  };

  // Published before we had neighbours.
  struct Unpublished {
    KeptPublication publication;
    TellDelivery tell;
  };

  // ---- sending
  void send(Slot slot, std::span<const std::byte> record) override;
  void send(Slot slot, const protocol::RecordWriter& record) { send(slot, record.bytes()); }
  bool send_publication(Slot slot, std::span<const std::byte> record) override;
  [[nodiscard]] bool is_there(Slot slot) const;
  // Where a plain publication went.
  struct Spread {
    SendResult result = SendResult::sent;
    std::size_t taken_here = 0;  // by our own subscribers' queues
    std::size_t asked = 0;       // slots that got it and will say how many took it there
  };
  [[nodiscard]] Publication measured(Publication publication);
  std::size_t deliver(const Publication& publication);
  Spread publish_plain(const Publication& publication, std::uint64_t question);
  SendResult publish_kept(const Publication& publication, std::uint64_t question);
  void send_kept(KeptPublication publication);
  void ask_about_one(std::uint64_t question, bool is_asked, TellOne tell);
  [[nodiscard]] Slot home_of(std::string_view channel) const;

  // ---- receiving (mesh_bus_received.cpp)
  void handle(Slot from, const protocol::RecordReader& record);
  void handle_request(Slot from, const protocol::RecordReader& record);
  // From a channel's home: when it is time, and each publication once.
  [[nodiscard]] bool note_sequenced(Slot from, const protocol::RecordReader& record);
  void take_told(Slot from, const protocol::RecordReader& record);
  void handle_told(const protocol::RecordReader& record);
  void handle_state(const protocol::RecordReader& record);
  void handle_publish(Slot from, const protocol::RecordReader& record);
  void handle_sequenced(const protocol::RecordReader& record);
  void handle_sequence(Slot from, const protocol::RecordReader& record);
  void handle_join_answer(const protocol::RecordReader& record);
  void handle_member(BusWord word, const protocol::RecordReader& record);
  void handle_moved(Slot from, const protocol::RecordReader& record);
  void handle_send(Slot from, const protocol::RecordReader& record);
  void handle_close(Slot from, const protocol::RecordReader& record);
  void handle_ask(Slot from, BusWord word, const protocol::RecordReader& record);
  void answer(Slot to, const protocol::RecordReader& question, protocol::RecordWriter& answer);

  // ---- neighbours (mesh_bus_neighbours.cpp)
  [[nodiscard]] protocol::RecordWriter rejoin_record(std::string_view channel, ConnectionId id,
                                                     std::string_view name) const;
  [[nodiscard]] std::unique_ptr<BusLink> make_link(Slot slot, FileDescriptor socket);
  void introduce_ourselves(Slot slot);
  void handle_link_end(Slot slot);
  void forget_neighbour(Slot slot);
  [[nodiscard]] bool all_are_in_step() const;
  // Somebody goes by fewer homes than we: the order to change is on its way to us.
  [[nodiscard]] bool is_behind() const;
  [[nodiscard]] bool is_in_step(Slot slot) const;
  void take_step();
  void drop_suspects();
  void settle_if_all_are_in_step();
  void settle();
  void await_settlement();

  // ---- another number of homes (mesh_bus_homes.cpp)
  void change_homes(std::uint32_t homes);
  void give_away_homes();
  void hold_back_moving();
  void take_back_moving(Slot slot);
  void release_held();
  [[nodiscard]] bool may_be_overtaking(Slot from, std::string_view channel) const;
  void release_early();

  Loop& loop_;
  Poller& poller_;
  BusClient& client_;
  ScoreboardRow& counters_;
  Sampler measured_;  // publications whose way is
  const std::span<std::byte> read_buffer_;
  const Slot self_;
  const std::size_t max_waiting_;
  const std::uint64_t settle_patience_ms_;
  std::uint32_t homes_;
  std::uint64_t last_number_;  // of our publications to kept channels
  std::map<Slot, Peer> peers_;
  std::set<Slot> due_links_;  // of neighbours that we are to get one to
  InterestTable interest_;
  Homes home_role_;
  Questions questions_;
  // What came from a home: the last number of each origin. A home that dies may have passed on some of what is then
  // sent to its successor once more.
  std::map<std::pair<Slot, Slot>, std::uint64_t> delivered_;
  // Publications of channels that are moving to another home, until the old one has none of them any more.
  std::map<std::string, std::vector<KeptPublication>, std::less<>> held_;
  std::vector<Deferred> deferred_;  // requests, until we are settled
  // What new homes have said while there may still be something on its way from the old ones.
  std::deque<Deferred> early_;
  std::deque<Deferred> inbox_;  // from ourselves
  std::vector<Unpublished> unpublished_;
  bool complete_ = false;
  bool settled_ = false;
  bool is_on_bus_ = false;  // has been settled once, or took over from one that had
  bool handed_over_ = false;
  bool has_output_ = false;  // something may be to be flushed
  std::function<void()> on_settled_;
  UvHandle<uv_timer_t> settle_deadline_;
  UvHandle<uv_timer_t> sweep_timer_;
};

}  // namespace wsd::worker
