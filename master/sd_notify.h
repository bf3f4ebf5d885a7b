// What the service manager that started us wants to hear (sd_notify(3), Type=notify): datagrams to the socket that
// NOTIFY_SOCKET names. Where it names none, nothing is said.
//
// Owned by the master, who alone speaks: children have these variables taken from them (worker/privileges.h). They stay
// in the master's own environment, for the binary that replaces its own.

#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>

namespace wsd::master {

class ServiceManager {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;

  enum class Phase : std::uint8_t {
    starting,
    serving,    // it has been told that we are ready
    reloading,  // that we will be so again
    stopping,   // that we will not
  };

  static constexpr std::chrono::seconds status_interval{5};  // at most that often is it told that something has changed
  static constexpr std::chrono::milliseconds retry_pause{100};  // when it does not read
  static constexpr std::size_t max_unsaid = 16;                 // then the oldest is not news any more

  // Nobody who listens.
  ServiceManager() = default;
  // The one of our environment. `phase`: what it knows of us already.
  [[nodiscard]] static ServiceManager of_environment(Phase phase);

  // Each says so once. `status` is a line for people.
  void ready(std::string_view status, TimePoint now);
  void reloading(TimePoint now);
  void stopping(TimePoint now);
  void failed(std::string_view reason, TimePoint now);

  [[nodiscard]] Phase phase() const { return phase_; }
  [[nodiscard]] std::optional<TimePoint> next_deadline() const;
  // Whether the time has come for handle_time(), which needs the status of this moment.
  [[nodiscard]] bool is_due(TimePoint now) const;
  void handle_time(std::string_view status, TimePoint now);

 private:
  void say(std::string text, TimePoint now);
  void send_unsaid(TimePoint now);

  std::string address_;  // empty: nobody listens
  std::chrono::microseconds watchdog_{0};
  Phase phase_ = Phase::starting;
  std::string status_;               // as it was told last
  std::deque<std::string> unsaid_;   // its socket was full
  std::optional<TimePoint> say_at_;  // when to try again
  std::optional<TimePoint> next_;    // sign of life, or news
};

}  // namespace wsd::master
