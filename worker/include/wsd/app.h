// The application: callbacks that the server calls. This header is all an application includes.
//
//   #include <wsd/app.h>
//
//   WSD_APP(app) {
//     app.on_message = [](wsd::Connection& connection, wsd::Message message) {
//       connection.send({"hello ", message.data});
//     };
//   }
//
// Each worker process runs the WSD_APP body once, before it serves; what the callbacks capture belongs to that worker.
// Callbacks run one at a time, never inside one another. One that throws costs its connection a Close with 1011 and a
// line in the log; the worker goes on.

#pragma once

#include <wsd/abi.h>
#include <wsd/channel.h>
#include <wsd/connection.h>
#include <wsd/handshake.h>
#include <wsd/message.h>
#include <wsd/request.h>
#include <wsd/response.h>
#include <wsd/worker.h>

#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>

namespace wsd {

struct App {
  // Before the worker serves its first client: open files, start timers. Throwing fails the start. Workerman:
  // onWorkerStart.
  std::function<void(Worker&)> on_worker_start;
  // After its last connection is gone, or when the stop timeout is over. Workerman: onWorkerStop.
  std::function<void(Worker&)> on_worker_stop;
  // A client asks for a WebSocket, and its request is a proper one: the place to look at path, cookies and Origin, to
  // refuse, to choose a subprotocol. There is no connection yet: on_open follows when the answer was 101. Both
  // arguments and their views live as long as the call. Without it every client is accepted. Workerman:
  // onWebSocketConnect.
  std::function<void(const Request&, Handshake&)> on_handshake;
  // A plain HTTP request came, one that does not ask for a WebSocket, whole: its body may have 64 KiB, with a
  // Content-Length (larger ones are answered 413, chunked ones 411). Both arguments and their views live as long as the
  // call; the answer leaves when it returns, a 500 if it throws. The client has --close-timeout to read it. Without it
  // such requests get 426. Workerman: onMessage of an http:// worker.
  std::function<void(const Request&, Response&)> on_request;
  // The opening handshake is done. Workerman: onWebSocketConnected (onConnect comes before the handshake there).
  std::function<void(Connection&)> on_open;
  // A reload has put this worker in place of the one that had the connection: instead of on_open, before anything else
  // of this connection. Its attributes and its request are as they were; timers and captured state are not. No
  // counterpart in Workerman, where a reload drops connections.
  std::function<void(Connection&)> on_resume;
  // A whole message came. Its data dies with the call. Workerman: onMessage.
  std::function<void(Connection&, Message)> on_message;
  // The connection is over; once per on_open. The Connection dies when this returns. Workerman: onClose.
  std::function<void(Connection&, CloseInfo)> on_close;
  // A message to this client was dropped, or queued up to the limit: it reads more slowly than we write. Once, until
  // on_buffer_drain. Workerman: onBufferFull.
  std::function<void(Connection&)> on_buffer_full;
  // After on_buffer_full: everything queued has left. Workerman: onBufferDrain.
  std::function<void(Connection&)> on_buffer_drain;
  // The answer to subscribe() on a channel with history or presence: who is there, and what was said. Messages
  // published later come after it. Workerman has no counterpart.
  std::function<void(Connection&, const Subscription&)> on_subscribed;
  // In a channel with presence: `member` came, or went, `count` are there now. Called in every worker that has
  // subscribers of the channel, in the same order as its messages everywhere: Worker::deliver() passes the news on to
  // this worker's. Views die with the call. Workerman has no counterpart.
  std::function<void(Worker&, std::string_view channel, const Member& member, std::size_t count)> on_join;
  std::function<void(Worker&, std::string_view channel, const Member& member, std::size_t count)> on_leave;
  // A crash of the worker that kept the channel's members is overcome: these are the members, whatever was told before.
  std::function<void(Worker&, std::string_view channel, std::span<const Member> members)> on_members;
  // One of the other callbacks threw: `what` dies with the call, and it is in the log already. `connection` is the one
  // it was called for, which is closed with 1011 unless it is closed otherwise here; null for timers, on_handshake,
  // on_request and on_worker_stop. (A message that could not be sent is no error here: see SendResult, on_buffer_full.)
  // Workerman: onError tells of failed sends instead.
  std::function<void(Connection* connection, std::string_view what)> on_error;

  // A value given by `--set KEY=VALUE`; `fallback` if it was not. The view lives as long as the worker.
  [[nodiscard]] std::string_view setting(std::string_view key, std::string_view fallback = {}) const {
    const auto found = settings.find(key);
    return found == settings.end() ? fallback : std::string_view(found->second);
  }

  std::map<std::string, std::string, std::less<>> settings;

  // What the channels keep whose names begin with a prefix; the longest one that fits counts, and "" fits all. To be
  // filled by the WSD_APP body. A reload may change it: a channel that begins to keep something begins with nothing.
  std::map<std::string, ChannelOptions, std::less<>> channels;
};

// What WSD_APP leaves for the server to find. The tag stays the first member for ever: it is read before anything else
// is believed.
struct AppModule {
  const char* abi_tag;
  void (*define)(App&);
};

}  // namespace wsd

// Built-in apps are linked together and need a name each; an application of its own has the one below.
#ifndef WSD_APP_MODULE
#define WSD_APP_MODULE wsd_app_module
#endif

// Opens the body that fills in an application's callbacks; `app` names its wsd::App.
#define WSD_APP(app)                                                                   \
  static void wsd_app_define(::wsd::App& app);                                         \
  extern "C" {                                                                         \
  extern __attribute__((visibility("default"))) const ::wsd::AppModule WSD_APP_MODULE; \
  const ::wsd::AppModule WSD_APP_MODULE = {WSD_ABI_TAG, &wsd_app_define};              \
  }                                                                                    \
  static void wsd_app_define([[maybe_unused]] ::wsd::App& app)
