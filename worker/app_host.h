// The one place that calls an application: stops its exceptions, so that none crosses the event loop.
//
// A callback that throws is logged with its name, its connection and what(), and on_error hears of it; the caller
// learns of it and closes that connection with 1011. Callbacks are never nested, since nothing an application may call
// calls back.

#pragma once

#include <wsd/app.h>

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>

namespace wsd::worker {

using Settings = std::map<std::string, std::string, std::less<>>;

// Whether GET / shows the page of the built-in apps (front_page.h).
enum class FrontPage : bool { none, shown };

class AppHost {
 public:
  enum class Outcome : bool { threw = false, returned = true };

  // Runs the module's WSD_APP body. Throws what it throws: the start is refused then.
  AppHost(const AppModule& module, Settings settings, FrontPage front_page = FrontPage::none);
  AppHost(const AppHost&) = delete;
  AppHost& operator=(const AppHost&) = delete;

  void start(Worker& worker);  // throws what on_worker_start throws
  void stop(Worker& worker);

  [[nodiscard]] Outcome handshake(const Request& request, Handshake& handshake);
  // Whether a plain HTTP request like this is answered here, once its body has come.
  [[nodiscard]] bool answers(const Request& request) const;
  // By on_request; without one it is the front page that was asked for.
  [[nodiscard]] Outcome request(const Request& request, Response& response);
  [[nodiscard]] Outcome open(Connection& connection);
  [[nodiscard]] Outcome resume(Connection& connection);
  [[nodiscard]] Outcome message(Connection& connection, Message message);
  [[nodiscard]] Outcome buffer_full(Connection& connection);
  [[nodiscard]] Outcome buffer_drain(Connection& connection);
  [[nodiscard]] Outcome subscribed(Connection& connection, const Subscription& subscription);
  void member_joined(Worker& worker, std::string_view channel, const Member& member, std::size_t count);
  void member_left(Worker& worker, std::string_view channel, const Member& member, std::size_t count);
  void members(Worker& worker, std::string_view channel, std::span<const Member> members);
  void close(Connection& connection, CloseInfo info);
  void timer(const std::function<void()>& callback);
  // The answer to a question that the application asked the bus.
  void answer(const std::function<void()>& callback);

  // What App::channels says of this one; lives as long as the host.
  [[nodiscard]] const ChannelOptions& channel_options(std::string_view channel) const;

 private:
  template <typename Callback, typename... Arguments>
  Outcome call(const char* name, Connection* connection, const Callback& callback, Arguments&&... arguments);
  void report(const char* callback, Connection* connection, const char* what);

  App app_;
  const FrontPage front_page_;
};

}  // namespace wsd::worker
