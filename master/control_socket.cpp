#include "master/control_socket.h"

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "master/exit_status.h"
#include "master/instance_lock.h"

namespace wsd::master {

namespace {

constexpr int backlog = 128;
constexpr std::chrono::milliseconds accept_pause{500};
constexpr std::size_t max_unsent = 2 * max_control_answer;  // then the client is not worth it

[[noreturn]] void fail(const std::string& path, const char* operation, int error) {
  throw CommandError(CommandStatus::failed,
                     fmt::format("cannot {} the control socket {}: {}", operation, path, std::strerror(error)));
}

// What a dead master left. Anything but a socket is somebody else's and stays.
void remove_old_socket(const std::string& path) {
  struct stat status {};
  if (::lstat(path.c_str(), &status) != 0) return;
  if (!S_ISSOCK(status.st_mode) && !S_ISLNK(status.st_mode)) {
    throw CommandError(CommandStatus::failed,
                       path + " is in the control socket's place and is no socket; move it away");
  }
  ::unlink(path.c_str());
}

worker::FileDescriptor listen_on(const std::string& path) {
  worker::FileDescriptor socket = bind_to_file(path, 0600);
  if (!socket) fail(path, "make", errno);
  if (::listen(socket.get(), backlog) != 0) fail(path, "listen on", errno);
  return socket;
}

// The mode of the socket keeps others out; this says so again to whoever changed it.
bool is_one_of_us(int socket) {
  ucred peer{};
  socklen_t size = sizeof(peer);
  if (::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) return false;
  return peer.uid == 0 || peer.uid == ::geteuid();
}

void refuse(int socket, CommandStatus status, std::string_view reason) {
  const std::string line = final_answer(status, reason) + '\n';
  // A new connection's buffer takes a short line, or the client must do without.
  [[maybe_unused]] const ssize_t sent = ::send(socket, line.data(), line.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
}

}  // namespace

ControlSocket::ControlSocket(const std::string& path) {
  remove_old_socket(path);
  listener_ = listen_on(path);
  file_.emplace(path);
}

ControlSocket::ControlSocket(const std::string& path, worker::FileDescriptor listener)
    : listener_(std::move(listener)) {
  struct stat status {};
  if (::lstat(path.c_str(), &status) != 0) listener_ = listen_on(path);  // somebody removed it
  file_.emplace(path);
}

void ControlSocket::append_poll_fds(std::vector<pollfd>& fds) const {
  if (listener_ && !accept_again_) fds.push_back({listener_.get(), POLLIN, 0});
  for (const auto& [id, client] : clients_) {
    const int wants = (client.asked ? 0 : POLLIN) | (client.unsent.empty() ? 0 : POLLOUT);
    fds.push_back({client.socket.get(), static_cast<short>(wants), 0});
  }
}

std::vector<ControlSocket::Incoming> ControlSocket::handle_ready(std::span<const pollfd> fds, TimePoint now) {
  std::vector<Incoming> requests;
  bool accepts = accept_again_ && *accept_again_ <= now;
  for (const pollfd& ready : fds) {
    if (ready.revents == 0) continue;
    if (ready.fd == listener_.get()) accepts = true;
    const auto found =
        std::ranges::find(clients_, ready.fd, [](const auto& entry) { return entry.second.socket.get(); });
    if (found != clients_.end()) serve(found->first, found->second, ready.revents, now, requests);
  }
  std::erase_if(clients_, [now](const auto& entry) {
    const Client& client = entry.second;
    return (client.finished && client.unsent.empty()) || (client.deadline && *client.deadline <= now);
  });
  // Last, since a new client may get a descriptor number that `fds` still has for one that left.
  if (accepts) accept_clients(now);
  return requests;
}

std::optional<ControlSocket::TimePoint> ControlSocket::next_deadline() const {
  std::optional<TimePoint> next = accept_again_;
  for (const auto& [id, client] : clients_) {
    if (client.deadline && (!next || *client.deadline < *next)) next = client.deadline;
  }
  return next;
}

ControlSocket::ClientId ControlSocket::adopt(worker::FileDescriptor client) {
  Client adopted;
  adopted.socket = std::move(client);
  adopted.asked = true;
  clients_.emplace(next_client_, std::move(adopted));
  return next_client_++;
}

int ControlSocket::descriptor_of(ClientId client) const {
  const auto found = clients_.find(client);
  return found == clients_.end() ? -1 : found->second.socket.get();
}

void ControlSocket::answer(ClientId client, std::string_view line) {
  const auto found = clients_.find(client);
  if (found == clients_.end() || found->second.finished) return;
  send(found->second, line);
}

void ControlSocket::answer(ClientId client, std::string_view line, worker::FileDescriptor descriptor) {
  const auto found = clients_.find(client);
  if (found == clients_.end() || found->second.finished) return;
  found->second.passed.push_back({found->second.unsent.size(), std::move(descriptor)});
  send(found->second, line);
}

void ControlSocket::finish(ClientId client, CommandStatus status, std::string_view error) {
  const auto found = clients_.find(client);
  if (found == clients_.end() || found->second.finished) return;
  send(found->second, final_answer(status, error));
  found->second.finished = true;
  if (found->second.unsent.empty()) clients_.erase(found);
}

void ControlSocket::close_in_child() {
  listener_.reset();
  clients_.clear();
}

void ControlSocket::accept_clients(TimePoint now) {
  accept_again_.reset();
  for (int i = 0; i < backlog; ++i) {
    worker::FileDescriptor socket(::accept4(listener_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (!socket) {
      // Out of descriptors: the listener would stay readable, and we would spin.
      if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED) accept_again_ = now + accept_pause;
      return;
    }
    if (!is_one_of_us(socket.get())) {
      const std::string owner = name_of_user(::geteuid());
      refuse(socket.get(), CommandStatus::no_permission,
             fmt::format("this server (pid {}) belongs to {}; run this command as {}", ::getpid(), owner, owner));
    } else if (clients_.size() >= max_clients) {
      refuse(socket.get(), CommandStatus::failed, "too many commands at once; try again in a moment");
    } else {
      Client client;
      client.socket = std::move(socket);
      client.deadline = now + client_timeout;
      clients_.emplace(next_client_++, std::move(client));
    }
  }
}

void ControlSocket::serve(ClientId id, Client& client, short events, TimePoint now, std::vector<Incoming>& requests) {
  if ((events & POLLIN) != 0 && !client.asked) {
    receive(id, client, requests);
  } else if ((events & (POLLHUP | POLLERR)) != 0) {
    abandon(client);
  }
  if ((events & POLLOUT) != 0) flush(client);
  if (client.asked) client.deadline = client.unsent.empty() ? std::nullopt : std::optional(now + client_timeout);
}

void ControlSocket::receive(ClientId id, Client& client, std::vector<Incoming>& requests) {
  std::array<char, 16 * 1024> buffer;
  const ssize_t size = ::recv(client.socket.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
  if (size < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (size <= 0) return abandon(client);
  client.request.append(buffer.data(), static_cast<std::size_t>(size));
  const std::size_t newline = client.request.find('\n');
  if (newline != std::string::npos && newline <= max_control_line) {
    client.asked = true;
    take_request(id, client, std::string_view(client.request).substr(0, newline), requests);
    std::string().swap(client.request);
  } else if (client.request.size() > max_control_line) {
    client.asked = true;
    client.finished = true;
    send(client, final_answer(CommandStatus::failed, fmt::format("a request has {} bytes at most", max_control_line)));
  }
}

void ControlSocket::take_request(ClientId id, Client& client, std::string_view line, std::vector<Incoming>& requests) {
  auto request = control_request_from_json(line);
  if (request) {
    send(client, accepted_answer);
    requests.push_back({id, std::move(*request)});
    return;
  }
  send(client, final_answer(CommandStatus::usage, request.error()));
  client.finished = true;
}

void ControlSocket::send(Client& client, std::string_view line) {
  if (client.unsent.size() + line.size() > max_unsent) return abandon(client);
  client.unsent += line;
  client.unsent += '\n';
  flush(client);
  if (!client.unsent.empty()) client.deadline = std::chrono::steady_clock::now() + client_timeout;
}

void ControlSocket::flush(Client& client) {
  while (!client.unsent.empty()) {
    const ssize_t sent = send_some(client);
    if (sent < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (sent < 0) return abandon(client);
    if (!client.passed.empty() && client.passed.front().with == 0) client.passed.pop_front();
    for (Passed& passed : client.passed) passed.with -= static_cast<std::size_t>(sent);
    client.unsent.erase(0, static_cast<std::size_t>(sent));
  }
}

ssize_t ControlSocket::send_some(const Client& client) {
  const bool passes = !client.passed.empty() && client.passed.front().with == 0;
  const std::size_t next = passes ? 1 : 0;  // what goes with a later byte goes later
  const std::size_t size = client.passed.size() > next ? client.passed[next].with : client.unsent.size();
  iovec piece{.iov_base = const_cast<char*>(client.unsent.data()), .iov_len = size};
  msghdr message{};
  message.msg_iov = &piece;
  message.msg_iovlen = 1;
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> control{};
  if (passes) {
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    cmsghdr* const header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int));
    const int descriptor = client.passed.front().descriptor.get();
    std::memcpy(CMSG_DATA(header), &descriptor, sizeof(descriptor));
  }
  return ::sendmsg(client.socket.get(), &message, MSG_DONTWAIT | MSG_NOSIGNAL);
}

void ControlSocket::abandon(Client& client) {
  client.unsent.clear();
  client.passed.clear();
  client.finished = true;
}

}  // namespace wsd::master
