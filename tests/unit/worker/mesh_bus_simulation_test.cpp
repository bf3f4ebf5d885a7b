// Workers on one bus in thousands of random lives: they subscribe, publish, join, leave, crash, hand over to successors
// and become fewer, while what they say to one another is late. A broken promise prints its seed and the end of its
// story; WSD_SEED=<seed> lives that life again and prints all of it; WSD_LIVES=<number> lives more of them.

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <deque>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "tests/unit/support/lives.h"
#include "tests/unit/worker/support/bus_wire.h"
#include "tests/unit/worker/support/bus_worker.h"
#include "worker/home_slot.h"

namespace wsd::worker {
namespace {

using test::BusWire;
using test::BusWorker;
using wsd::test::promise;
using Slot = std::uint16_t;

class Chance {
 public:
  explicit Chance(std::uint64_t seed) : engine_(seed) {}
  unsigned number(unsigned low, unsigned high) { return low + static_cast<unsigned>(engine_() % (high - low + 1)); }
  bool percent(unsigned probability) { return number(0, 99) < probability; }
  template <typename Container>
  auto& pick(Container& container) {
    return *std::next(container.begin(), number(0, static_cast<unsigned>(container.size()) - 1));
  }

 private:
  std::mt19937_64 engine_;
};

// "publisher:number"
std::pair<std::string, std::uint64_t> parse(const std::string& message) {
  const std::size_t colon = message.find(':');
  return {message.substr(0, colon), std::stoull(message.substr(colon + 1))};
}

// One random life of a mesh: phases of disorder, after each of which everything calms down and is looked at.
class Life {
 public:
  Life(std::uint64_t seed, bool tell_the_story) : tell_the_story_(tell_the_story), chance_(seed) {}

  void live() {
    const unsigned count = chance_.number(1, 5);
    is_wild_ = chance_.percent(20);
    is_impatient_ = has_been_wild_ = chance_.percent(20);
    homes_ = count;
    choose_channels();
    for (Slot slot = 0; slot < count; ++slot) {
      spawn(slot);
      if (chance_.percent(50)) step();
    }
    calm_down();
    for (unsigned phases = chance_.number(1, 4); phases > 0; --phases) {
      begin_phase();
      for (unsigned steps = chance_.number(5, 120); steps > 0; --steps) step();
      note("calm");
      calm_down();
      look_around();
    }
  }

  const std::deque<std::string>& story() const { return story_; }
  unsigned long long steps() const { return steps_; }
  unsigned long long messages() const { return messages_; }

 private:
  // What the master has to say to the worker of a slot, in order: links, and how many homes there are.
  struct Order {
    std::optional<Slot> peer;
    FileDescriptor end;
    std::uint32_t homes = 0;
  };
  struct Wire {
    std::pair<Slot, Slot> sides;
    std::unique_ptr<BusWire> bytes = std::make_unique<BusWire>();
    bool is_slow = false;
  };
  struct Published {
    std::string channel;
    std::string message;
    ConnectionId publisher;
    Slot slot;
    std::uint32_t incarnation;  // of its worker
  };
  using Place = std::pair<ConnectionId, std::string>;  // a connection in a channel

  // ---- the master
  void spawn(Slot slot) {
    note("spawn {}", slot);
    const std::uint32_t incarnation = ++last_incarnation_;
    auto& worker = workers_[slot];
    worker = make_worker(slot, incarnation);
    births_[slot] = incarnation;
    orders_[slot].clear();
    for (const auto& [other, there] : workers_) {
      if (other == slot) continue;
      Wire wire{.sides = {slot, other}};
      wire.is_slow = chance_.percent(50);
      orders_[slot].push_back({.peer = other, .end = wire.bytes->take_end(0)});
      orders_[other].push_back({.peer = slot, .end = wire.bytes->take_end(1)});
      wires_.push_back(std::move(wire));
    }
    orders_[slot].push_back({.peer = {}, .end = {}, .homes = homes_});
  }

  std::unique_ptr<BusWorker> make_worker(Slot slot, std::uint32_t incarnation) const {
    MeshBus::Place place{.slot = slot, .incarnation = incarnation, .homes = homes_};
    if (is_impatient_) place.settle_patience_ms = 0;
    return std::make_unique<BusWorker>(place);
  }

  void give_order(Slot slot) {
    auto& orders = orders_[slot];
    if (orders.empty()) return;
    Order order = std::move(orders.front());
    orders.pop_front();
    BusWorker& worker = *workers_.at(slot);
    if (order.peer) {
      note("{} gets its link to {}", slot, *order.peer);
      deliver_last_words(*order.peer, slot);
      worker.bus.add_link(*order.peer, std::move(order.end));
    } else {
      note("{} hears of {} homes", slot, order.homes);
      worker.bus.complete(order.homes);
    }
    worker.end_turn();
  }

  // A kernel is not as slow as our wires: what the dead have sent is there before news of their successors.
  void deliver_last_words(Slot from, Slot to) {
    for (Wire& wire : wires_) {
      if (wire.sides == std::pair(from, to)) wire.bytes->cross(0);
      if (wire.sides == std::pair(to, from)) wire.bytes->cross(1);
    }
  }

  void crash(Slot slot) {
    note("crash {}", slot);
    workers_.erase(slot);
    orders_.erase(slot);
    crashed_.insert(slot);
  }

  void hand_over(Slot slot) {
    note("hand over {}", slot);
    BusWorker& old = *workers_.at(slot);
    old.end_turn();
    const MeshBus::State state = old.bus.save();
    if (chance_.percent(20)) return note("  which fails");
    std::vector<FileDescriptor> links;
    for (const int link : state.links) links.emplace_back(::dup(link));
    auto successor = make_worker(slot, ++last_incarnation_);
    old.bus.hand_over();
    successor->take_over(old, std::move(links), state.records);
    workers_[slot] = std::move(successor);
    if (chance_.percent(50)) workers_[slot]->end_turn();
  }

  // A reload at a time makes slots fewer: the next one's comes when the last one's is heard of, save in a wild life.
  void shrink() {
    if (homes_ <= 1 || (has_shrunk_ && !is_wild_)) return;
    shrank_twice_ |= has_shrunk_;
    homes_ = chance_.number(1, homes_ - 1);
    note("only {} homes", homes_);
    has_shrunk_ = true;
    for (auto& [slot, worker] : workers_) orders_[slot].push_back({.peer = {}, .end = {}, .homes = homes_});
  }

  // ---- disorder
  void step() {
    ++steps_;
    if (workers_.empty()) return spawn(0);
    const Slot slot = chance_.pick(workers_).first;
    const unsigned what = chance_.number(0, 999);
    if (what < 300) return turn(slot);
    if (what < 450) return cross_some();
    if (what < 500) return give_order(slot);
    if (what < 510 && may_crash()) return crash(slot);
    if (what < 525) return hand_over(slot);
    if (what < 530 && (is_wild_ || crashed_.empty())) return shrink();
    if (what < 560) return respawn();
    if (workers_.at(slot)->is_settled()) use(*workers_.at(slot), what);
  }

  // Both at once cost messages and order, where a home dies with what it was about to give away.
  bool may_crash() const { return is_wild_ || !has_shrunk_; }

  void turn(Slot slot) {
    note("turn {}", slot);
    workers_.at(slot)->turn();
    for (Wire& wire : wires_) {
      if (!wire.is_slow) wire.bytes->cross(0), wire.bytes->cross(1);
    }
  }

  void cross_some() {
    if (wires_.empty()) return;
    Wire& wire = chance_.pick(wires_);
    const std::size_t limit = chance_.percent(50) ? BusWire::everything : chance_.number(1, 300);
    const std::size_t side = chance_.number(0, 1);
    const std::size_t crossed = wire.bytes->cross(side, limit);
    if (crossed > 0) note("{} bytes from {} and {}, side {}", crossed, wire.sides.first, wire.sides.second, side);
  }

  void respawn() {
    for (Slot slot = 0; slot < homes_; ++slot) {
      if (!workers_.contains(slot)) return spawn(slot);
    }
  }

  void use(BusWorker& worker, unsigned what) {
    if (worker.connections.empty() || (what < 580 && worker.connections.size() < 4)) {
      note("{} has connection {}", worker.slot(), worker.connect());
      return;
    }
    const ConnectionId id = chance_.pick(worker.connections).first;
    const std::string& channel = chance_.pick(channels_);
    if (what < 600) {
      note("{} leaves", id);
      worker.disconnect(id);
    } else if (what < 730) {
      const std::string name = chance_.percent(20) ? "" : std::string(1, static_cast<char>('a' + chance_.number(0, 3)));
      note("{} subscribes to {} as {}", id, channel, name);
      worker.subscribe(id, channel, name);
    } else if (what < 770) {
      note("{} unsubscribes from {}", id, channel);
      worker.unsubscribe(id, channel);
    } else if (what < 980) {
      publish(worker, id, channel);
    } else {
      ask(worker, channel);
    }
    if (chance_.percent(60)) worker.end_turn();
  }

  void publish(BusWorker& worker, ConnectionId id, const std::string& channel) {
    ++messages_;
    const bool by_worker = chance_.percent(20);
    const std::string publisher =
        by_worker ? fmt::format("w{}.{}", worker.slot(), births_[worker.slot()]) : std::to_string(id);
    const std::string message = fmt::format("{}:{}", publisher, ++numbers_[publisher]);
    note("{} publishes {} to {}", worker.slot(), message, channel);
    SendResult result = SendResult::sent;
    if (!by_worker) {
      result = worker.publish(id, channel, message);
    } else if (chance_.percent(50)) {
      result = worker.bus.publish(
          {.channel = channel, .data = message, .type = MessageType::text, .publisher = 0, .excluded = {}}, {});
    } else {
      result = worker.bus.publish(
          {.channel = channel, .data = message, .type = MessageType::text, .publisher = 0, .excluded = {}},
          [answered = question(worker, "how many got " + message)](const Delivery&) { ++*answered; });
    }
    promise(result != SendResult::dropped, "nothing is dropped where little waits");
    published_.push_back({channel, message, by_worker ? 0 : id, worker.slot(), births_[worker.slot()]});
  }

  void ask(BusWorker& worker, const std::string& channel) {
    note("{} asks about {}", worker.slot(), channel);
    if (chance_.percent(50)) {
      worker.bus.ask_channel(
          channel, [answered = question(worker, "who is in " + channel)](const ChannelReport&) { ++*answered; });
    } else {
      worker.bus.list_channels(
          "", [answered = question(worker, "what channels there are")](const ChannelList&) { ++*answered; });
    }
  }

  // How often it was answered.
  std::shared_ptr<int> question(const BusWorker& worker, std::string what) {
    questions_.push_back({worker.slot(), worker.incarnation(), std::move(what), std::make_shared<int>(0)});
    return questions_.back().answered;
  }

  // ---- calm
  void calm_down() {
    for (Slot slot = 0; slot < homes_; ++slot) {
      if (!workers_.contains(slot)) spawn(slot);
    }
    int quiet_rounds = 0;
    for (int round = 0; quiet_rounds < 4; ++round) {
      promise(round < 500, "the mesh comes to rest");
      std::size_t crossed = 0;
      for (auto& [slot, worker] : workers_) {
        while (!orders_[slot].empty()) give_order(slot), ++crossed;
        worker->turn();
      }
      for (Wire& wire : wires_)
        crossed += wire.bytes->cross(0) + wire.bytes->cross(1) + (wire.bytes->is_quiet() ? 0 : 1);
      quiet_rounds = crossed == 0 ? quiet_rounds + 1 : 0;
    }
    std::erase_if(wires_, [](const Wire& wire) { return wire.bytes->is_over(); });
  }

  void begin_phase() {
    note("a new phase");
    crashed_.clear();
    has_shrunk_ = shrank_twice_ = false;
    published_.clear();
    questions_.clear();
    log_begins_.clear();
    stable_.clear();
    homes_before_ = homes_;
    births_before_ = births_;
    for (const auto& [slot, worker] : workers_) {
      for (const auto& [channel, log] : worker->log) log_begins_[{slot, channel}] = log.size();
      for (const auto& [id, memberships] : worker->connections) {
        for (const auto& [channel, membership] : memberships) {
          if (membership.joined) stable_[{id, channel}] = membership.serial;
        }
      }
    }
  }

  // Something crashed that was this channel's home, before or after the phase's changes.
  bool has_lost_its_home(const std::string& channel) const {
    if (shrank_twice_ || (has_shrunk_ && !crashed_.empty())) return true;
    return crashed_.contains(home_slot(channel, homes_before_)) || crashed_.contains(home_slot(channel, homes_));
  }

  void look_around() {
    has_been_wild_ |= shrank_twice_ || (has_shrunk_ && !crashed_.empty());
    for (const auto& [slot, worker] : workers_) {
      promise(worker->is_settled(), fmt::format("the worker of slot {} is settled", slot));
      for (const auto& [id, memberships] : worker->connections) {
        for (const auto& [channel, membership] : memberships) judge_membership(id, channel, membership);
      }
    }
    for (const std::string& channel : channels_) {
      if (is_kept(test::options_by_name(channel)) && !is_impatient_ && !has_lost_its_home(channel))
        judge_order(channel);
      judge_names(channel);
      judge_home(channel);
    }
    judge_questions();
  }

  void judge_membership(ConnectionId id, const std::string& channel, const BusWorker::Membership& membership) {
    const std::string who = fmt::format("{} in {}", id, channel);
    promise(membership.question == 0, who + " got the answer to its join");
    std::map<std::string, std::uint64_t> last;
    for (const std::string& message : membership.received) {
      if (has_been_wild_) break;
      const auto [publisher, number] = parse(message);
      promise(number > last[publisher], fmt::format("{} gets {} in its order, and once", who, message));
      last[publisher] = number;
    }
    const auto stable = stable_.find({id, channel});
    if (stable == stable_.end() || stable->second != membership.serial || has_been_wild_) return;
    const std::set<std::string> received(membership.received.begin(), membership.received.end());
    for (const Published& one : published_) {
      if (one.channel != channel || one.publisher == id || births_[one.slot] != one.incarnation) continue;
      if (!workers_.contains(one.slot)) continue;
      promise(received.contains(one.message), fmt::format("{} gets {}", who, one.message));
    }
  }

  // Workers that had somebody in the channel all the time have heard the same in the same order.
  void judge_order(const std::string& channel) {
    std::optional<std::pair<Slot, std::vector<std::string>>> first;
    for (const auto& [slot, worker] : workers_) {
      const bool was_there = std::ranges::any_of(worker->connections, [&](const auto& entry) {
        const auto found = stable_.find({entry.first, channel});
        const auto membership = entry.second.find(channel);
        return found != stable_.end() && membership != entry.second.end() && found->second == membership->second.serial;
      });
      if (!was_there || births_before_[slot] != births_[slot]) continue;
      const auto& log = worker->log[channel];
      std::vector<std::string> heard(log.begin() + static_cast<std::ptrdiff_t>(log_begins_[{slot, channel}]),
                                     log.end());
      if (!first) {
        first = {slot, std::move(heard)};
        continue;
      }
      promise(first->second == heard, fmt::format("{} and {} heard the same of {}:\n  {}\n  {}", first->first, slot,
                                                  channel, fmt::join(first->second, " "), fmt::join(heard, " ")));
    }
  }

  using Names = std::map<ConnectionId, std::string>;
  Names members_in_truth(const std::string& channel) const {
    Names members;
    for (const auto& [slot, worker] : workers_) {
      for (const auto& [id, memberships] : worker->connections) {
        const auto found = memberships.find(channel);
        if (found != memberships.end() && found->second.joined) members[id] = found->second.name;
      }
    }
    return members;
  }

  void judge_names(const std::string& channel) const {
    // Whose slot is stalled may lose its name to another.
    if (!test::options_by_name(channel).unique_names || is_impatient_) return;
    std::map<std::string, ConnectionId> owners;
    for (const auto& [id, name] : members_in_truth(channel)) {
      if (name.empty()) continue;
      const auto [owner, is_new] = owners.emplace(name, id);
      promise(is_new, fmt::format("{} and {} are not both {} in {}", owner->second, id, name, channel));
    }
  }

  void judge_home(const std::string& channel) {
    std::optional<ChannelReport> report;
    chance_.pick(workers_).second->bus.ask_channel(channel, [&](const ChannelReport& answer) { report = answer; });
    calm_down();
    promise(report.has_value(), "a question is answered at once in calm");
    promise(!report->partial, "and in full");
    const Names truth = members_in_truth(channel);
    promise(report->subscribers == truth.size(),
            fmt::format("{} has {} subscribers, not {}", channel, truth.size(), report->subscribers));
    if (!test::options_by_name(channel).presence) return;
    Names known;
    for (const NamedMember& member : report->members) known[member.id] = member.name;
    std::string text;
    for (const auto& [id, name] : truth) text += fmt::format(" {}={}", id, name);
    text += " but the home says";
    for (const auto& [id, name] : known) text += fmt::format(" {}={}", id, name);
    const bool may_lose_names = is_impatient_ && test::options_by_name(channel).unique_names;
    if (may_lose_names) {
      for (const auto& [id, name] : known)
        promise(truth.contains(id), fmt::format("the members of {} are{}", channel, text));
      return;
    }
    promise(known == truth, fmt::format("the members of {} are{}", channel, text));
  }

  void judge_questions() {
    for (const Question& one : questions_) {
      promise(*one.answered <= 1, "a question is answered once");
      const auto asker = workers_.find(one.slot);
      if (asker == workers_.end() || asker->second->incarnation() != one.incarnation || !crashed_.empty()) continue;
      promise(*one.answered == 1, one.what + " is answered");
    }
  }

  void choose_channels() {
    for (const char* kind : {"plain", "hist", "room", "pres"}) {
      for (int i = 0; i < 4; ++i) {
        if (chance_.percent(30)) channels_.push_back(kind + std::to_string(i));
      }
    }
    if (channels_.empty()) channels_.push_back("room0");
  }

  template <typename... Arguments>
  void note(fmt::format_string<Arguments...> format, Arguments&&... arguments) {
    if (tell_the_story_) story_.push_back(fmt::format(format, std::forward<Arguments>(arguments)...));
  }

  struct Question {
    Slot slot;
    std::uint32_t incarnation;
    std::string what;
    std::shared_ptr<int> answered;
  };

  bool tell_the_story_;
  std::deque<std::string> story_;
  unsigned long long steps_ = 0;
  unsigned long long messages_ = 0;
  Chance chance_;
  bool is_wild_ = false;        // workers may crash while homes become fewer
  bool is_impatient_ = false;   // neighbours are taken for stalled: nobody waits until they have taken a step
  bool has_been_wild_ = false;  // they did
  std::vector<std::string> channels_;
  std::uint32_t homes_ = 1;
  std::uint32_t last_incarnation_ = 0;
  std::map<Slot, std::unique_ptr<BusWorker>> workers_;
  std::map<Slot, std::uint32_t> births_;  // incarnation of the last fresh worker, whose connections these are
  std::map<Slot, std::deque<Order>> orders_;
  std::vector<Wire> wires_;
  std::map<std::string, std::uint64_t> numbers_;  // last one of each publisher

  // ---- of this phase
  std::uint32_t homes_before_ = 1;
  std::map<Slot, std::uint32_t> births_before_;
  std::set<Slot> crashed_;
  bool has_shrunk_ = false;
  bool shrank_twice_ = false;
  std::vector<Published> published_;
  std::vector<Question> questions_;
  std::map<std::pair<Slot, std::string>, std::size_t> log_begins_;
  std::map<Place, std::uint64_t> stable_;  // joined at its beginning: by which membership
};

TEST(MeshBusSimulation, KeepsItsPromisesInEveryLife) {
  unsigned long long steps = 0;
  unsigned long long messages = 0;
  wsd::test::live_all<Life>(400, [&](const Life& life) {
    steps += life.steps();
    messages += life.messages();
  });
  RecordProperty("steps", std::to_string(steps));
  RecordProperty("messages", std::to_string(messages));
}

}  // namespace
}  // namespace wsd::worker
