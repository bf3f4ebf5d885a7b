#include "tests/load/exact_run.h"

#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <deque>
#include <functional>
#include <limits>
#include <queue>
#include <utility>
#include <vector>

#include "tests/load/exact_client.h"

namespace wsd::load {
namespace {

using std::chrono::duration;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr Clock::duration patience = seconds(60);  // for all to be open, and for the last answers
constexpr Clock::duration between_connects = std::chrono::microseconds(700);

// Clients of all habits at an open loop: when one is to act depends on the time, not on the server.
class ExactRun {
 public:
  explicit ExactRun(const Options& options) : options_(options), context_(options) {}

  Report run() {
    start();
    const Clock::time_point begin = Clock::now();
    watch_input();
    serve(begin +
              std::chrono::duration_cast<Clock::duration>(duration<double>(is_led() ? 1e6 : options_.duration.count())),
          [this] { return told_; });
    const duration<double> elapsed = Clock::now() - begin;
    const std::size_t answers = context_.answers;
    wind_up();
    return report(elapsed, answers);
  }

 private:
  [[nodiscard]] bool is_led() const { return options_.waits_for_go; }

  void start() {
    Clock::time_point due = Clock::now();
    for (std::size_t i = 0; i < options_.connections; ++i, due += between_connects) {
      const std::uint64_t number = static_cast<std::uint64_t>(::getpid()) * 1'000'000 + i;
      clients_.emplace_back(context_, number, options_.is_plain ? Habit::plain : habit_of(i));
      dues_.emplace(due, &clients_.back());
    }
    serve(Clock::now() + patience, [this] { return context_.handshakes + context_.errors.sum() >= clients_.size(); });
    // What the start cost is not what the run is about.
    context_.latencies = {};
    context_.longest_gap = {};
    if (!is_led()) return;
    std::fputs("ready\n", stderr);
  }

  void watch_input() const {
    if (!is_led()) return;
    epoll_event event{};
    event.events = EPOLLIN;
    ::epoll_ctl(context_.epoll, EPOLL_CTL_ADD, STDIN_FILENO, &event);
  }

  void wind_up() {
    const Clock::time_point now = Clock::now();
    for (ExactClient& client : clients_) client.wind_up(now);
    const auto is_done = [](const ExactClient& client) { return client.is_done(); };
    serve(now + patience, [&] { return std::ranges::all_of(clients_, is_done); });
    for (ExactClient& client : clients_) client.give_up();
  }

  void serve(Clock::time_point end, const std::function<bool()>& is_over) {
    Clock::time_point look = Clock::now();
    for (Clock::time_point now = look; now < end; now = Clock::now()) {
      if (now >= look) {
        if (is_over()) return;
        look = now + milliseconds(10);
      }
      act(now);
      turn(std::min({dues_.top().first, end, look}));
    }
  }

  void act(Clock::time_point now) {
    while (dues_.top().first <= now) {
      ExactClient* const client = dues_.top().second;
      dues_.pop();
      dues_.emplace(client->act(now), client);
    }
  }

  void turn(Clock::time_point until) {
    const auto wait = std::chrono::ceil<milliseconds>(until - Clock::now()).count();
    std::array<epoll_event, 512> events{};
    const int count = ::epoll_wait(context_.epoll, events.data(), static_cast<int>(events.size()),
                                   static_cast<int>(std::max<std::int64_t>(wait, 0)));
    for (int i = 0; i < count; ++i) {
      const epoll_event& event = events[static_cast<std::size_t>(i)];
      if (event.data.ptr == nullptr) {
        told_ = true;
        ::epoll_ctl(context_.epoll, EPOLL_CTL_DEL, STDIN_FILENO, nullptr);
      } else {
        static_cast<ExactClient*>(event.data.ptr)->handle(event.events);
      }
    }
  }

  Report report(duration<double> elapsed, std::size_t answers) {
    std::uint64_t oldest = std::numeric_limits<std::uint64_t>::max(), newest = 0;
    std::size_t open = 0;
    for (const ExactClient& client : clients_) {
      newest = std::max(newest, client.newest_code());
      if (!client.is_open()) continue;
      ++open;
      oldest = std::min(oldest, client.newest_code());
    }
    Report report(options_);
    report.add("seconds", elapsed.count());
    report.add("messages", answers);
    report.add("messages_per_second", static_cast<double>(answers) / elapsed.count());
    report.add("pongs", context_.pongs);
    report.add("handshakes", context_.handshakes);
    report.add("reconnects", context_.closes);
    report.add("rests", context_.rests);
    report.add("open_at_end", open);
    report.add("oldest_code_at_end", std::size_t{open > 0 ? oldest : 0});
    report.add("newest_code_at_end", std::size_t{newest});
    report.add("longest_gap_ms", duration<double, std::milli>(context_.longest_gap).count());
    report.add_latencies(context_.latencies);
    report.add_errors(context_.errors);
    return report;
  }

  const Options& options_;
  ExactContext context_;
  std::deque<ExactClient> clients_;
  using Due = std::pair<Clock::time_point, ExactClient*>;
  std::priority_queue<Due, std::vector<Due>, std::greater<>> dues_;  // one for each client, always
  bool told_ = false;
};

}  // namespace

Report run_exact(const Options& options) {
  return ExactRun(options).run();
}

}  // namespace wsd::load
