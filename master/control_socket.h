// The master's end of NAME.sock. Never blocks and has no thread: the master's ppoll watches its descriptors.
//
//   each turn:  socket.append_poll_fds(fds);  ppoll(fds, until socket.next_deadline());
//               for (auto& [client, request] : socket.handle_ready(fds, now)) …;
//   later:      socket.answer(client, info_answer("…"));  socket.finish(client, CommandStatus::done);
//
// Each request is accepted in here at once, so that the CLI knows that the master lives; what is no request is refused.
// A client that leaves is forgotten: answering it then does nothing. A client costs at most its line and its unread
// answers; it has 10 s to say what it wants and to read what it was told.

#pragma once

#include <poll.h>
#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "master/control_protocol.h"
#include "master/socket_file.h"
#include "worker/file_descriptor.h"

namespace wsd::master {

class ControlSocket {
 public:
  using ClientId = std::uint64_t;  // never reused
  using TimePoint = std::chrono::steady_clock::time_point;

  struct Incoming {
    ClientId client;
    ControlRequest request;
  };

  static constexpr std::size_t max_clients = 64;
  static constexpr std::chrono::seconds client_timeout{10};

  // Only for the holder of the instance's lock: replaces whatever socket a dead master left. Throws
  // CommandError(failed).
  explicit ControlSocket(const std::string& path);
  // The one that this process listened on before it replaced its own binary.
  ControlSocket(const std::string& path, worker::FileDescriptor listener);
  ControlSocket(const ControlSocket&) = delete;
  ControlSocket& operator=(const ControlSocket&) = delete;

  void append_poll_fds(std::vector<pollfd>& fds) const;
  // `fds`: as poll filled it in; descriptors of others are skipped. To be called after next_deadline() too.
  [[nodiscard]] std::vector<Incoming> handle_ready(std::span<const pollfd> fds, TimePoint now);
  [[nodiscard]] std::optional<TimePoint> next_deadline() const;

  // `line`: one JSON object without a newline (control_protocol.h makes them).
  void answer(ClientId client, std::string_view line);
  // The same with a descriptor, which whoever reads the line gets along with it.
  void answer(ClientId client, std::string_view line, worker::FileDescriptor descriptor);
  // The last answer; the connection is closed when the client has it.
  void finish(ClientId client, CommandStatus status, std::string_view error = {});

  // A client that this process had before it replaced its own binary, and whose request is still to be answered.
  [[nodiscard]] ClientId adopt(worker::FileDescriptor client);
  [[nodiscard]] int listener() const { return listener_.get(); }
  // -1 if the client has left.
  [[nodiscard]] int descriptor_of(ClientId client) const;

  // In a forked child: closes everything and leaves the file alone.
  void close_in_child();

 private:
  // A descriptor on its way.
  struct Passed {
    std::size_t with = 0;  // the byte of what is unsent that it goes with
    worker::FileDescriptor descriptor;
  };

  struct Client {
    worker::FileDescriptor socket;
    std::string request;                // the part of its line that came so far
    std::string unsent;                 // answers that the kernel has not taken
    std::deque<Passed> passed;          // what goes with them
    bool asked = false;                 // its line is complete; what follows it is not read
    bool finished = false;              // has its last answer, or is gone: to be dropped when `unsent` is empty
    std::optional<TimePoint> deadline;  // for its line, then for reading what is unsent
  };

  void accept_clients(TimePoint now);
  void serve(ClientId id, Client& client, short events, TimePoint now, std::vector<Incoming>& requests);
  void receive(ClientId id, Client& client, std::vector<Incoming>& requests);
  void take_request(ClientId id, Client& client, std::string_view line, std::vector<Incoming>& requests);
  static void send(Client& client, std::string_view line);
  static void flush(Client& client);
  // Some of what is unsent, with the descriptor that goes with it. As send() does.
  [[nodiscard]] static ssize_t send_some(const Client& client);
  static void abandon(Client& client);

  std::optional<SocketFile> file_;
  worker::FileDescriptor listener_;
  std::map<ClientId, Client> clients_;
  ClientId next_client_ = 1;
  std::optional<TimePoint> accept_again_;  // accept() failed: the listener is left alone until then
};

}  // namespace wsd::master
