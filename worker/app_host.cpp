#include "worker/app_host.h"

#include <exception>
#include <utility>

#include "worker/log.h"

namespace wsd::worker {

namespace {

void log_exception(const char* callback, ConnectionId connection, const char* what) {
  if (connection == 0) {
    log::error("{} threw: {}", callback, log::escape(what));
  } else {
    log::error("{} threw on connection {}, which is closed with 1011: {}", callback, connection, log::escape(what));
  }
}

template <typename Callback, typename... Arguments>
AppHost::Outcome call(const char* name, ConnectionId connection, const Callback& callback, Arguments&&... arguments) {
  if (!callback) return AppHost::Outcome::returned;
  try {
    callback(std::forward<Arguments>(arguments)...);
    return AppHost::Outcome::returned;
  } catch (const std::exception& error) {
    log_exception(name, connection, error.what());
  } catch (...) {
    log_exception(name, connection, "something that is not a std::exception");
  }
  return AppHost::Outcome::threw;
}

}  // namespace

AppHost::AppHost(const AppModule& module, Settings settings) {
  app_.settings = std::move(settings);
  module.define(app_);
}

void AppHost::start(Worker& worker) {
  if (app_.on_worker_start) app_.on_worker_start(worker);
}

void AppHost::stop(Worker& worker) { (void)call("on_worker_stop", 0, app_.on_worker_stop, worker); }

AppHost::Outcome AppHost::open(Connection& connection) {
  return call("on_open", connection.id(), app_.on_open, connection);
}

AppHost::Outcome AppHost::resume(Connection& connection) {
  return call("on_resume", connection.id(), app_.on_resume, connection);
}

AppHost::Outcome AppHost::message(Connection& connection, Message message) {
  return call("on_message", connection.id(), app_.on_message, connection, message);
}

AppHost::Outcome AppHost::buffer_full(Connection& connection) {
  return call("on_buffer_full", connection.id(), app_.on_buffer_full, connection);
}

AppHost::Outcome AppHost::buffer_drain(Connection& connection) {
  return call("on_buffer_drain", connection.id(), app_.on_buffer_drain, connection);
}

void AppHost::close(Connection& connection, CloseInfo info) {
  (void)call("on_close", connection.id(), app_.on_close, connection, info);
}

void AppHost::timer(const std::function<void()>& callback) { (void)call("a timer", 0, callback); }

}  // namespace wsd::worker
