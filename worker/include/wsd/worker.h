// The process an application runs in.

#pragma once

#include <wsd/channel.h>
#include <wsd/message.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string_view>

namespace wsd {

class Connection;

using TimerId = std::uint64_t;

// One of the server's worker processes: one thread, one event loop. Owned by the server; lives from on_worker_start
// until on_worker_stop returns. Workers share nothing but what the server carries between them.
class Worker {
 public:
  // Which of the `--count` places this process fills: 0 … count-1. Workerman: $worker->id.
  [[nodiscard]] virtual unsigned slot() const = 0;
  // Raised by each start and reload; the first is 1.
  [[nodiscard]] virtual unsigned generation() const = 0;

  [[nodiscard]] virtual std::size_t connection_count() const = 0;
  // Calls `visit` for each open connection of this worker. Connections closed by `visit` stay valid until it returns.
  // Workerman: foreach ($worker->connections as $connection).
  virtual void for_each_connection(const std::function<void(Connection&)>& visit) = 0;
  // The connection of this worker with this id, or null.
  [[nodiscard]] virtual Connection* find(ConnectionId id) = 0;

  // To every subscriber of the channel on this machine. See Connection::publish(). Workerman: Gateway::sendToGroup(),
  // sendToUid().
  virtual SendResult publish(std::string_view channel, std::string_view data, MessageType type = MessageType::text) = 0;
  // The same, and tells how many subscribers' queues took it. `tell` is called once, from the loop, within 500 ms;
  // never if the worker is replaced first.
  virtual void publish(std::string_view channel, std::string_view data, MessageType type,
                       std::function<void(const Delivery&)> tell) = 0;
  // To this worker's subscribers alone: what App::on_join and its like tell every worker, each passes on to its own.
  virtual SendResult deliver(std::string_view channel, std::string_view data, MessageType type = MessageType::text) = 0;
  // To one connection, on whichever worker it is. `dropped` if that worker is known not to have got it. Workerman:
  // Gateway::sendToClient().
  virtual SendResult send_to(ConnectionId id, std::string_view data, MessageType type = MessageType::text) = 0;
  // Connection::close() for a connection on whichever worker. Workerman: Gateway::closeClient().
  virtual void close_connection(ConnectionId id, std::uint16_t code = 1000, std::string_view reason = {}) = 0;
  // Who is subscribed, on the whole machine. `tell` is called once, from the loop, within 500 ms; never if the worker
  // is replaced first. Workerman: Gateway::getClientCountByGroup(), getClientSessionsByGroup().
  virtual void ask_channel(std::string_view channel, std::function<void(const ChannelInfo&)> tell) = 0;

  // Timers on the monotonic clock. `every` does not drift: the n-th call is due n intervals after the first, and calls
  // that a busy loop missed are skipped. Intervals below 1 ms count as 1 ms. Workerman: Timer::add(), Timer::del().
  virtual TimerId every(std::chrono::nanoseconds interval, std::function<void()> callback) = 0;
  virtual TimerId after(std::chrono::nanoseconds delay, std::function<void()> callback) = 0;
  virtual void cancel(TimerId timer) = 0;

  // Takes no new clients any more; those that are there stay. A neighbour accepts for this worker's slot meanwhile;
  // when no worker accepts any more, new clients get 503. Ends with the worker: its successor at a reload accepts
  // again. Workerman: pauseAccept().
  virtual void stop_accepting() = 0;

  // Writes a line to the server's log at level info.
  virtual void log(std::string_view line) = 0;

 protected:
  Worker() = default;
  ~Worker() = default;
  Worker(const Worker&) = delete;
  Worker(Worker&&) = delete;
  Worker& operator=(const Worker&) = delete;
  Worker& operator=(Worker&&) = delete;
};

}  // namespace wsd
