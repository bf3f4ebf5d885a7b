#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <deque>
#include <functional>
#include <optional>
#include <ranges>
#include <stdexcept>
#include <vector>

#include "tests/load/channel_client.h"
#include "tests/load/runs.h"

namespace wsd::load {
namespace {

using std::chrono::duration;
using std::chrono::milliseconds;
using std::chrono::seconds;
using Role = ChannelClient::Role;

constexpr Clock::duration patience = seconds(60);       // for all to be open, and to be reached by all publishers
constexpr Clock::duration last_patience = seconds(20);  // for the last messages
constexpr Clock::duration between_probes = milliseconds(300);
constexpr std::size_t least_publications = 4;  // in a measurement without a rate
constexpr std::size_t opened_at_once = 256;    // fewer than any server's accept queue

Clock::duration in_clock(duration<double> time) {
  return std::chrono::duration_cast<Clock::duration>(time);
}

// A channel's subscribers and publishers. At a rate, when a publisher speaks depends on the time alone; without one,
// each has so many publications outstanding: the next follows when everybody has got one.
class ChannelRun {
 public:
  explicit ChannelRun(const Options& options) : options_(options), context_(options) {}

  Report run() {
    open();
    reach_everybody();
    watch_input();
    begin();
    serve(Clock::now() + in_clock(options_.warmup), [] { return false; });
    Report report = measure();
    await_last();
    judge();
    look_at_stalled(report);
    finish(report);
    return report;
  }

 private:
  // ---- before the run

  void open() {
    const auto add = [this](Role role, std::size_t count) {
      for (std::size_t i = 0; i < count; ++i) {
        clients_.emplace_back(context_, role, static_cast<std::uint32_t>(i));
        if (role == Role::publisher) publishers_.push_back(&clients_.back());
      }
    };
    add(Role::publisher, options_.publishers);
    add(Role::subscriber, options_.connections);
    add(Role::stalled, options_.stalled);
    const Clock::time_point end = Clock::now() + patience;
    std::size_t begun = 0, done = 0;
    while (done < clients_.size()) {
      for (; begun < clients_.size() && begun - done < opened_at_once; ++begun) {
        if (!clients_[begun].connect()) throw std::runtime_error("cannot connect");
      }
      serve_once(milliseconds(20));
      while (done < begun && (clients_[done].is_open() || clients_[done].is_over())) ++done;
      if (Clock::now() > end) throw std::runtime_error("not all connections are open");
    }
    if (context_.errors.sum() > 0) throw std::runtime_error("a connection was refused");
  }

  // A subscription is known to the other workers a moment after the handshake's answer; that is no loss.
  void reach_everybody() {
    const Clock::time_point end = Clock::now() + patience;
    for (ChannelClient* const publisher : publishers_) {
      const auto is_reached = [publisher](const ChannelClient& client) {
        const bool listens = client.role() != Role::stalled && client.hears(publisher->publisher());
        return !listens || client.is_over() || client.ledger().is_reached_by(publisher->publisher());
      };
      while (!std::ranges::all_of(clients_, is_reached)) {
        if (Clock::now() > end) throw std::runtime_error("a publisher's probes do not reach everybody");
        publisher->publish_probe();
        serve(Clock::now() + between_probes, [&] { return std::ranges::all_of(clients_, is_reached); });
      }
    }
  }

  void watch_input() {
    if (!options_.waits_for_go) return;
    std::fputs("ready\n", stderr);
    epoll_event event{};
    event.events = EPOLLIN;
    ::epoll_ctl(context_.epoll, EPOLL_CTL_ADD, STDIN_FILENO, &event);
  }

  void begin() {
    begun_ = Clock::now();
    confirmed_.assign(publishers_.size(), 0);
    publishing_ = true;
    if (options_.rate > 0) return;
    for (ChannelClient* const publisher : publishers_) publisher->publish(options_.pipeline);
  }

  // ---- the run

  Report measure() {
    const std::size_t deliveries_before = context_.deliveries, published_before = published();
    const CpuTime server_before = cpu_time_of(options_.server_pids), client_before = cpu_time_of({::getpid()});
    const Clock::time_point start = Clock::now();
    context_.latencies = {};
    // With --go the caller says when it is enough.
    const auto end = start + (options_.waits_for_go ? std::chrono::hours(1) : in_clock(options_.duration));
    serve(end, [this] { return told_; });
    // A busy machine may need longer for a whole publication than was asked for.
    const auto is_enough = [&] { return options_.rate > 0 || published() - published_before >= least_publications; };
    serve(Clock::now() + last_patience, is_enough);
    publishing_ = false;
    const duration<double> elapsed = Clock::now() - start;
    const CpuTime server = cpu_time_of(options_.server_pids) - server_before;
    const CpuTime client = cpu_time_of({::getpid()}) - client_before;
    const std::size_t deliveries = context_.deliveries - deliveries_before;

    Report report(options_);
    report.add("publishers", options_.publishers);
    report.add("seconds", elapsed.count());
    report.add("publications", published() - published_before);
    report.add("deliveries", deliveries);
    report.add("deliveries_per_second", static_cast<double>(deliveries) / elapsed.count());
    report.add_cpu_per("delivery", server, client, deliveries);
    return report;
  }

  void serve(Clock::time_point end, const std::function<bool()>& is_over) {
    for (Clock::time_point now = Clock::now(); now < end && !is_over(); now = Clock::now()) {
      if (publishing_ && options_.rate > 0) publish_due(now);
      serve_once(std::min(end - now, until_next(now)));
      if (publishing_ && options_.rate <= 0) publish_next();
    }
  }

  void publish_due(Clock::time_point now) {
    const duration<double> elapsed = now - begun_;
    for (std::size_t i = 0; i < publishers_.size(); ++i) {
      // The publishers take turns within one interval.
      const double turns =
          elapsed.count() * options_.rate - static_cast<double>(i) / static_cast<double>(publishers_.size());
      const auto due = static_cast<std::uint64_t>(std::max(turns + 1, 0.0));
      const std::uint64_t done = context_.published[i];
      if (publishers_[i]->is_open() && due > done) publishers_[i]->publish(due - done);
    }
  }

  Clock::duration until_next(Clock::time_point now) const {
    if (!publishing_ || options_.rate <= 0) return milliseconds(100);
    const double per_second = options_.rate * static_cast<double>(std::max<std::size_t>(publishers_.size(), 1));
    const duration<double> elapsed = now - begun_;
    const double turns = elapsed.count() * per_second;
    return in_clock(
        duration<double>((static_cast<double>(static_cast<std::uint64_t>(turns) + 1) - turns) / per_second));
  }

  // One more for each that everybody has got.
  void publish_next() {
    const std::size_t listeners = clients_.size() - options_.stalled - 1;
    for (std::size_t i = 0; i < publishers_.size(); ++i) {
      const std::uint64_t before = confirmed_[i];
      const auto& got_by = context_.got_by[i];
      while (confirmed_[i] < context_.published[i] && got_by[confirmed_[i] + 1] >= listeners) ++confirmed_[i];
      if (confirmed_[i] > before && publishers_[i]->is_open()) publishers_[i]->publish(confirmed_[i] - before);
    }
  }

  void serve_once(Clock::duration timeout) {
    const timespec wait{.tv_sec = timeout / seconds(1),
                        .tv_nsec = std::max<Clock::rep>(std::chrono::nanoseconds(timeout % seconds(1)).count(), 0)};
    std::array<epoll_event, 1024> events{};
    const int count = ::epoll_pwait2(context_.epoll, events.data(), static_cast<int>(events.size()), &wait, nullptr);
    for (int i = 0; i < count; ++i) {
      const epoll_event& event = events[static_cast<std::size_t>(i)];
      if (event.data.ptr == nullptr) {
        told_ = true;
        ::epoll_ctl(context_.epoll, EPOLL_CTL_DEL, STDIN_FILENO, nullptr);
      } else {
        static_cast<ChannelClient*>(event.data.ptr)->handle(event.events);
      }
    }
  }

  // ---- after the run

  // Those that a publisher which is still there has published, and the client has not got.
  [[nodiscard]] std::size_t outstanding(const ChannelClient& client) const {
    if (client.is_over() || client.role() == Role::stalled) return 0;
    std::size_t sum = 0;
    for (std::size_t i = 0; i < publishers_.size(); ++i) {
      if (publishers_[i]->is_open() && client.hears(i)) sum += context_.published[i] - client.ledger().last(i);
    }
    return sum;
  }

  void await_last() {
    serve(Clock::now() + last_patience, [this] {
      return std::ranges::all_of(clients_, [this](const ChannelClient& client) { return outstanding(client) == 0; });
    });
    serve(Clock::now() + milliseconds(200), [] { return false; });  // and what should not come
  }

  // Of a publisher that is gone the last messages may be missing, but none before one that came.
  void judge() {
    for (const ChannelClient& client : clients_) {
      if (client.role() == Role::stalled) continue;
      context_.errors.lost += outstanding(client);
      if (!client.is_over()) context_.errors.lost += client.ledger().missing();
    }
  }

  void look_at_stalled(Report& report) {
    for (ChannelClient& client : clients_) {
      if (client.role() == Role::stalled) client.drain();
    }
    if (options_.stalled > 0) serve(Clock::now() + seconds(2), [] { return false; });
    const auto with = [this](auto&& is_meant) {
      return static_cast<std::size_t>(std::ranges::count_if(
          clients_, [&](const ChannelClient& client) { return client.role() == Role::stalled && is_meant(client); }));
    };
    report.add("stalled_ended", with([](const ChannelClient& client) { return client.is_over(); }));
    report.add("stalled_closed_1013", with([](const ChannelClient& client) { return client.close_code() == 1013; }));
    report.add("stalled_missed", missed());
  }

  // By those that stalled, of all that was published.
  [[nodiscard]] std::size_t missed() const {
    std::size_t sum = 0;
    for (const ChannelClient& client : clients_) {
      if (client.role() != Role::stalled) continue;
      sum += client.ledger().missing();
      for (std::size_t i = 0; i < publishers_.size(); ++i) sum += context_.published[i] - client.ledger().last(i);
    }
    return sum;
  }

  void finish(Report& report) {
    const auto ended = [this](Role role) {
      return static_cast<std::size_t>(std::ranges::count_if(
          clients_, [role](const ChannelClient& client) { return client.role() == role && client.is_over(); }));
    };
    report.add("closed_subscribers", ended(Role::subscriber));
    report.add("closed_publishers", ended(Role::publisher));
    report.add("others", context_.others);
    report.add("largest_batch", context_.largest_batch);
    report.add_latencies(context_.latencies);
    report.add_errors(context_.errors);
  }

  [[nodiscard]] std::size_t published() const {
    std::size_t sum = 0;
    for (const std::uint64_t count : context_.published) sum += count;
    return sum;
  }

  const Options& options_;
  ChannelContext context_;
  std::deque<ChannelClient> clients_;
  std::vector<ChannelClient*> publishers_;
  std::vector<std::uint64_t> confirmed_;  // of each publisher's messages, those that everybody has got
  Clock::time_point begun_;
  bool publishing_ = false;
  bool told_ = false;
};

}  // namespace

Report run_channels(const Options& options) {
  return ChannelRun(options).run();
}

}  // namespace wsd::load
