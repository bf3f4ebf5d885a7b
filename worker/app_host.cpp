#include "worker/app_host.h"

#include <exception>
#include <utility>

#include "worker/front_page.h"
#include "worker/log.h"
#include "worker/memory_shortage.h"

namespace wsd::worker {

namespace {

void log_exception(const char* callback, const Connection* connection, const char* what) {
  const std::string kind = fmt::format("exceptions of {}", callback);
  if (connection == nullptr) {
    log::stranger(log::Level::error, kind, "{} threw: {}", callback, log::escape(what));
  } else {
    log::stranger(log::Level::error, kind, "{} threw on connection {}, which is closed with 1011: {}", callback,
                  connection->id(), log::escape(what));
  }
}

constexpr const char* unknown_exception = "something that is not a std::exception";

}  // namespace

template <typename Callback, typename... Arguments>
AppHost::Outcome AppHost::call(const char* name, Connection* connection, const Callback& callback,
                               Arguments&&... arguments) {
  if (!callback) return Outcome::returned;
  try {
    const ApplicationsTurn turn;
    callback(std::forward<Arguments>(arguments)...);
    return Outcome::returned;
  } catch (const std::exception& error) {
    report(name, connection, error.what());
  } catch (...) {
    report(name, connection, unknown_exception);
  }
  return Outcome::threw;
}

void AppHost::report(const char* callback, Connection* connection, const char* what) {
  log_exception(callback, connection, what);
  if (!app_.on_error) return;
  try {
    const ApplicationsTurn turn;
    app_.on_error(connection, what);
  } catch (const std::exception& error) {
    log_exception("on_error", nullptr, error.what());
  } catch (...) {
    log_exception("on_error", nullptr, unknown_exception);
  }
}

AppHost::AppHost(const AppModule& module, Settings settings, FrontPage front_page) : front_page_(front_page) {
  app_.settings = std::move(settings);
  const ApplicationsTurn turn;
  module.define(app_);
}

void AppHost::start(Worker& worker) {
  const ApplicationsTurn turn;
  if (app_.on_worker_start) app_.on_worker_start(worker);
}

void AppHost::stop(Worker& worker) {
  (void)call("on_worker_stop", nullptr, app_.on_worker_stop, worker);
}

AppHost::Outcome AppHost::handshake(const Request& request, Handshake& handshake) {
  return call("on_handshake", nullptr, app_.on_handshake, request, handshake);
}

bool AppHost::answers(const Request& request) const {
  return app_.on_request || (front_page_ == FrontPage::shown && asks_for_front_page(request));
}

AppHost::Outcome AppHost::request(const Request& request, Response& response) {
  if (!app_.on_request) {
    show_front_page(response);
    return Outcome::returned;
  }
  return call("on_request", nullptr, app_.on_request, request, response);
}

AppHost::Outcome AppHost::open(Connection& connection) {
  return call("on_open", &connection, app_.on_open, connection);
}

AppHost::Outcome AppHost::resume(Connection& connection) {
  return call("on_resume", &connection, app_.on_resume, connection);
}

AppHost::Outcome AppHost::message(Connection& connection, Message message) {
  return call("on_message", &connection, app_.on_message, connection, message);
}

AppHost::Outcome AppHost::buffer_full(Connection& connection) {
  return call("on_buffer_full", &connection, app_.on_buffer_full, connection);
}

AppHost::Outcome AppHost::buffer_drain(Connection& connection) {
  return call("on_buffer_drain", &connection, app_.on_buffer_drain, connection);
}

AppHost::Outcome AppHost::subscribed(Connection& connection, const Subscription& subscription) {
  return call("on_subscribed", &connection, app_.on_subscribed, connection, subscription);
}

void AppHost::member_joined(Worker& worker, std::string_view channel, const Member& member, std::size_t count) {
  (void)call("on_join", nullptr, app_.on_join, worker, channel, member, count);
}

void AppHost::member_left(Worker& worker, std::string_view channel, const Member& member, std::size_t count) {
  (void)call("on_leave", nullptr, app_.on_leave, worker, channel, member, count);
}

void AppHost::members(Worker& worker, std::string_view channel, std::span<const Member> members) {
  (void)call("on_members", nullptr, app_.on_members, worker, channel, members);
}

void AppHost::close(Connection& connection, CloseInfo info) {
  (void)call("on_close", &connection, app_.on_close, connection, info);
}

void AppHost::timer(const std::function<void()>& callback) {
  (void)call("a timer", nullptr, callback);
}

void AppHost::answer(const std::function<void()>& callback) {
  (void)call("an answer's callback", nullptr, callback);
}

// Few prefixes, looked at from the longest that could fit down.
const ChannelOptions& AppHost::channel_options(std::string_view channel) const {
  static const ChannelOptions plain;
  for (auto next = app_.channels.upper_bound(channel); next != app_.channels.begin();) {
    --next;
    if (channel.starts_with(next->first)) return next->second;
  }
  return plain;
}

}  // namespace wsd::worker
