// One WebSocket client, as an application sees it.

#pragma once

#include <wsd/message.h>
#include <wsd/request.h>

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string_view>

namespace wsd {

class Worker;

// Owned by the server. Lives from on_open until on_close returns; keep its id() rather than its address beyond a
// callback. Every method may be called from any callback of the worker that owns it, on this and on other connections:
// no method calls back into the application before it returns.
class Connection {
 public:
  [[nodiscard]] virtual ConnectionId id() const = 0;
  [[nodiscard]] virtual const Request& request() const = 0;
  // The peer's address without port. Workerman: getRemoteIp().
  [[nodiscard]] virtual std::string_view remote_address() const = 0;
  [[nodiscard]] virtual Worker& worker() = 0;
  // What App::on_handshake selected; empty if nothing. Lives as long as the connection.
  [[nodiscard]] virtual std::string_view subprotocol() const = 0;

  // Attributes: small named strings that stay with the connection, through every reload; what a callback captured does
  // not. An empty value removes the name. Throws std::invalid_argument for an empty name and std::length_error where
  // all names and values of the connection together would pass 64 KiB. Workerman: $connection->anything = …, which a
  // reload forgets.
  virtual void set(std::string_view name, std::string_view value) = 0;
  // Empty if there is none of this name. The view lives until the next set().
  [[nodiscard]] virtual std::string_view get(std::string_view name) const = 0;

  // Sends one message. All messages of a turn leave together; `data` may die when send() returns. What does not fit
  // under the send queue's limit is dropped whole, counted, and reported by on_buffer_full; when nothing waits, a
  // single message of any size is taken. Workerman: send().
  virtual SendResult send(std::string_view data, MessageType type = MessageType::text) = 0;
  // The same, one message gathered from pieces: saves the caller from joining them.
  virtual SendResult send(std::initializer_list<std::string_view> pieces, MessageType type = MessageType::text) = 0;

  // Starts the close handshake (RFC 6455 §7.1.2) behind what was sent before. on_message is not called any more;
  // on_close follows when the peer has answered, or after the close timeout. `reason`: at most 123 bytes of UTF-8, cut
  // if longer. A code that RFC 6455 §7.4 does not let an endpoint send is replaced by 1011. Workerman: close().
  virtual void close(std::uint16_t code = 1000, std::string_view reason = {}) = 0;
  // Drops the connection without a close handshake and without what still waits to be sent; the peer sees 1006.
  // on_close follows after the current callback. Workerman: destroy().
  virtual void destroy() = 0;
  // Sends a Ping. The server sends its own every 25 s, whatever the application does.
  virtual void ping() = 0;

  // Takes part in a channel, until unsubscribe() or the end of the connection; a reload changes nothing about it.
  // Messages published to it arrive as if they were sent here. A channel with history or presence (App::channels) is
  // joined a moment later, which on_subscribed tells; `name` is what its other members then know this one by.
  // Subscribed already, it takes the new name. Throws std::invalid_argument for a channel or name that is not UTF-8 of
  // at most 255 bytes, or a channel that is empty. Workerman: Gateway::joinGroup(), bindUid().
  virtual void subscribe(std::string_view channel, std::string_view name = {}) = 0;
  // Nothing happens if it is not subscribed. Workerman: Gateway::leaveGroup(), unbindUid().
  virtual void unsubscribe(std::string_view channel) = 0;
  // Joined channels count, those that on_subscribed is still to come for do not.
  [[nodiscard]] virtual bool is_subscribed(std::string_view channel) const = 0;
  // To every subscriber of the channel on this machine but this connection, which need not be one. Messages of one
  // publisher arrive in their order. `dropped`: at least one worker did not get it, since what waits for it is at its
  // limit, or the channel's name is not a proper one; counted as bus_dropped. Workerman: Gateway::sendToGroup().
  virtual SendResult publish(std::string_view channel, std::string_view data, MessageType type = MessageType::text) = 0;

  // Stops reading from this client, so that the kernel slows it down, until resume_receive(). Messages that were
  // already read when it is called wait as well. Workerman: pauseRecv(), resumeRecv().
  virtual void pause_receive() = 0;
  virtual void resume_receive() = 0;

  // Bytes that wait for the peer on our side of the kernel. Workerman: getSendBufferQueueSize().
  [[nodiscard]] virtual std::size_t buffered_bytes() const = 0;

 protected:
  Connection() = default;
  ~Connection() = default;
  Connection(const Connection&) = delete;
  Connection(Connection&&) = delete;
  Connection& operator=(const Connection&) = delete;
  Connection& operator=(Connection&&) = delete;
};

}  // namespace wsd
