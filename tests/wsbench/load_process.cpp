#include "tests/wsbench/load_process.h"

#include <sys/prctl.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "tests/wsbench/send_schedule.h"

namespace wsd::bench {

namespace {

constexpr std::chrono::seconds patience_to_open{30};  // without any progress
constexpr std::chrono::seconds patience_to_prepare{15};
constexpr std::chrono::seconds patience_to_close{2};
constexpr Time never = Time::max();

}  // namespace

std::size_t share_of(std::size_t count, std::size_t processes, std::size_t index) {
  return count / processes + (index < count % processes ? 1 : 0);
}

std::size_t held_by(const Options& options, std::size_t index) {
  std::size_t held = share_of(options.connections, options.processes, index);
  if (options.mode != ModeName::fanout) return held;
  held += share_of(options.publishers, options.processes, index);
  return held + share_of(options.stalled, options.processes, index);
}

LoadProcess::LoadProcess(const Options& options, std::size_t index, SharedRun& shared, int channel)
    : options_(options),
      shared_(shared),
      statistics_(shared.statistics()[index]),
      channel_(channel),
      context_(options, statistics_) {
  ::prctl(PR_SET_TIMERSLACK, 1UL);  // nanosecond; messages are due to the microsecond
  for (std::size_t i = 0; i < held_by(options, index); ++i) {
    connections_.emplace_back(context_, i);
  }
  mode_ = make_mode({context_, connections_, index, shared});
  context_.owner = mode_.get();
  context_.process_index = index;
  context_.now = Clock::now();
  if (!context_.poller.add(channel_, nullptr, EPOLLIN)) std::abort();
}

void LoadProcess::run() {
  while (true) {
    while (!order_) turn(never);
    const Order order = *std::exchange(order_, std::nullopt);
    if (order == Order::quit) break;
    obey(order);
  }
  close_connections();
}

void LoadProcess::obey(Order order) {
  if (order == Order::open) open_connections();
  if (order == Order::prepare) prepare();
  if (order == Order::load) make_load();
  if (order != Order::stop) report(order);
}

void LoadProcess::open_connections() {
  const std::size_t wanted = std::min<std::size_t>(shared_.schedule().held.value(), mode_->held_connections());
  const std::size_t at_once = std::max<std::size_t>(1, options_.at_once / options_.processes);
  const double rate = options_.ramp / static_cast<double>(options_.processes);
  SendSchedule pace(Clock::now(), rate);
  std::size_t settled = 0;
  Time deadline = Clock::now() + patience_to_open;
  while (!order_ && (begun_ < wanted || handshakes_under_way() > 0)) {
    while (begun_ < wanted && handshakes_under_way() < at_once && (rate == 0 || pace.next_due() <= context_.now)) {
      pace.take();
      connections_[begun_++].connect();
    }
    turn(begun_ < wanted && rate > 0 ? std::min(deadline, pace.next_due()) : deadline);
    if (std::exchange(settled, begun_ - handshakes_under_way()) != settled) deadline = context_.now + patience_to_open;
    if (context_.now >= deadline) break;
  }
  for (std::size_t i = 0; i < begun_; ++i) {
    if (connections_[i].state() == Connection::State::handshaking) connections_[i].give_up();
  }
}

std::size_t LoadProcess::handshakes_under_way() const {
  const Errors& errors = statistics_.errors;
  return begun_ - statistics_.opened.value() - errors.connect.value() - errors.handshake.value();
}

void LoadProcess::prepare() {
  mode_->prepare();
  const Time deadline = Clock::now() + patience_to_prepare;
  while (!order_ && !mode_->is_prepared() && !mode_->is_over() && context_.now < deadline) turn(deadline);
}

void LoadProcess::make_load() {
  const Schedule& schedule = shared_.schedule();
  is_stopped_ = false;
  serve_load_until(time_of(schedule.load_from));
  mode_->begin();
  serve_load_until(time_of(schedule.measure_from));

  statistics_.latencies = {};
  const std::uint64_t events = statistics_.events.value(), received = statistics_.bytes_received.value(),
                      sent = statistics_.bytes_sent.value(), published = statistics_.published.value();
  const Time start = Clock::now();
  serve_load_until(time_of(schedule.measure_to));
  const Time end = Clock::now();
  statistics_.measured_events = statistics_.events.value() - events;
  statistics_.measured_bytes_received = statistics_.bytes_received.value() - received;
  statistics_.measured_bytes_sent = statistics_.bytes_sent.value() - sent;
  statistics_.measured_published = statistics_.published.value() - published;
  statistics_.measured_ns = static_cast<std::uint64_t>((end - start).count());

  mode_->finish();
  // What comes too late piles up where a rate grows beyond what the server does, and is not lost for that.
  const Time deadline = end + rounded(options_.timeout + (options_.grows() ? options_.duration : Seconds(0)));
  while (!mode_->is_settled() && context_.now < deadline && order_ != Order::quit) turn(deadline);
  mode_->settle();
}

void LoadProcess::serve_load_until(Time end) {
  while (context_.now < end && !is_stopped_ && !mode_->is_over()) {
    turn(end);
    if (order_ == Order::stop) {
      is_stopped_ = true;
      order_.reset();
    }
    if (order_ == Order::quit) is_stopped_ = true;
  }
}

void LoadProcess::close_connections() {
  for (Connection& connection : connections_) {
    if (connection.state() == Connection::State::open) connection.send_close();
  }
  const Time deadline = Clock::now() + patience_to_close;
  while (statistics_.open.value() > 0 && context_.now < deadline) turn(deadline);
}

void LoadProcess::turn(Time until) {
  const bool is_late = mode_->next_time() <= context_.now;
  for (const epoll_event& event :
       context_.poller.wait(events_, is_late ? context_.now : std::min(until, mode_->next_time()))) {
    if (event.data.ptr == nullptr) {
      read_order();
    } else if (event.data.ptr == mode_.get()) {
      mode_->on_wakeup();
    } else {
      static_cast<Connection*>(event.data.ptr)->handle(event.events);
    }
  }
  context_.now = Clock::now();
  if (mode_->next_time() <= context_.now) mode_->act();
}

void LoadProcess::read_order() {
  char letter = static_cast<char>(Order::quit);
  if (::read(channel_, &letter, 1) <= 0) letter = static_cast<char>(Order::quit);
  order_ = Order{letter};
}

void LoadProcess::report(Order done) {
  const char letter = static_cast<char>(done);
  // Where nobody listens any more, the channel's end says what to do.
  if (::write(channel_, &letter, 1) != 1) order_ = Order::quit;
}

}  // namespace wsd::bench
