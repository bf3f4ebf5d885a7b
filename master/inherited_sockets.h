// Listening sockets that a service manager opened for us and kept when it started us (sd_listen_fds(3), systemd's
// socket activation): descriptors from 3 on, their number in LISTEN_FDS.

#pragma once

#include <netdb.h>

#include <string>
#include <vector>

#include "master/listen_url.h"
#include "worker/file_descriptor.h"

namespace wsd::master {

class InheritedSocket {
 public:
  // Throws CommandError(usage) if it is no listening stream socket of TCP or unix. From then on it does not block.
  // `name`: as LISTEN_FDNAMES has it; may be empty.
  InheritedSocket(worker::FileDescriptor socket, std::string name);

  // Whether this is where `url` means us to listen: `resolved` is its address, if it is none of a unix socket.
  [[nodiscard]] bool listens_at(const ListenUrl& url, const addrinfo* resolved) const;
  [[nodiscard]] bool is_unix() const { return !path_.empty(); }
  [[nodiscard]] int descriptor() const { return socket_.get(); }
  // "ws.socket at 127.0.0.1:8080", "unix:/run/ws.sock"
  [[nodiscard]] std::string description() const;

 private:
  worker::FileDescriptor socket_;
  std::string name_;
  std::string path_;     // of a unix socket
  std::string address_;  // else, the bytes of its sockaddr
};

// Those that are meant for this process. Takes the variables out of the environment. Throws CommandError(usage).
[[nodiscard]] std::vector<InheritedSocket> take_inherited_sockets();

}  // namespace wsd::master
