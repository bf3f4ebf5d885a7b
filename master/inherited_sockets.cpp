#include "master/inherited_sockets.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <string_view>
#include <utility>

#include "master/exit_status.h"
#include "protocol/printable_text.h"
#include "worker/address_text.h"

namespace wsd::master {

namespace {

constexpr int first_descriptor = 3;  // SD_LISTEN_FDS_START
constexpr int max_sockets = 1000;

std::string take_variable(const char* name) {
  const char* const value = std::getenv(name);
  std::string text = value == nullptr ? "" : value;
  ::unsetenv(name);
  return text;
}

int number_in(std::string_view text) {
  int number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

// The next of "one:two:three".
std::string take_name(std::string& names) {
  const std::size_t colon = names.find(':');
  std::string name = names.substr(0, colon);
  names = colon == std::string::npos ? "" : names.substr(colon + 1);
  return name;
}

int option_of(int socket, int option) {
  int value = 0;
  socklen_t size = sizeof(value);
  return ::getsockopt(socket, SOL_SOCKET, option, &value, &size) == 0 ? value : -1;
}

bool is_listening_stream(int socket) {
  const int family = option_of(socket, SO_DOMAIN);
  return option_of(socket, SO_TYPE) == SOCK_STREAM && option_of(socket, SO_ACCEPTCONN) == 1 &&
         (family == AF_INET || family == AF_INET6 || family == AF_UNIX);
}

sockaddr_storage storage_of(const std::string& bytes) {
  sockaddr_storage address{};
  bytes.copy(reinterpret_cast<char*>(&address), sizeof(address));
  return address;
}

in_port_t port_of(const sockaddr_storage& address) {
  return address.ss_family == AF_INET6 ? reinterpret_cast<const sockaddr_in6&>(address).sin6_port
                                       : reinterpret_cast<const sockaddr_in&>(address).sin_port;
}

}  // namespace

InheritedSocket::InheritedSocket(worker::FileDescriptor socket, std::string name)
    : socket_(std::move(socket)), name_(std::move(name)) {
  if (!is_listening_stream(socket_.get())) {
    throw CommandError(CommandStatus::usage,
                       fmt::format("descriptor {}{}, which the service manager passed on (LISTEN_FDS), is no listening "
                                   "socket of TCP or unix; in a .socket unit that is ListenStream= with Accept=no",
                                   socket_.get(), name_.empty() ? "" : " (" + protocol::printable(name_) + ")"));
  }
  ::fcntl(socket_.get(), F_SETFD, FD_CLOEXEC);
  ::fcntl(socket_.get(), F_SETFL, ::fcntl(socket_.get(), F_GETFL) | O_NONBLOCK);
  sockaddr_storage address{};
  socklen_t size = sizeof(address);
  ::getsockname(socket_.get(), reinterpret_cast<sockaddr*>(&address), &size);
  if (address.ss_family == AF_UNIX) {
    const auto& unix_address = reinterpret_cast<const sockaddr_un&>(address);
    const std::size_t length = size > offsetof(sockaddr_un, sun_path) ? size - offsetof(sockaddr_un, sun_path) : 0;
    path_ = std::string(unix_address.sun_path, ::strnlen(unix_address.sun_path, length));
    if (path_.empty()) path_ = "(abstract)";  // no address of ours
  } else {
    address_ = std::string(reinterpret_cast<const char*>(&address), size);
  }
}

bool InheritedSocket::listens_at(const ListenUrl& url, const addrinfo* resolved) const {
  if (url.is_unix() || resolved == nullptr) return url.is_unix() && url.path == path_;
  sockaddr_storage wanted{};
  std::memcpy(&wanted, resolved->ai_addr, std::min<std::size_t>(resolved->ai_addrlen, sizeof(wanted)));
  const sockaddr_storage ours = storage_of(address_);
  return wanted.ss_family == ours.ss_family && port_of(wanted) == port_of(ours) &&
         worker::address_text(wanted) == worker::address_text(ours);
}

std::string InheritedSocket::description() const {
  const sockaddr_storage address = storage_of(address_);
  const std::string host = worker::address_text(address);
  const std::string where = is_unix() ? "unix:" + path_
                                      : fmt::format(fmt::runtime(address.ss_family == AF_INET6 ? "[{}]:{}" : "{}:{}"),
                                                    host, ntohs(port_of(address)));
  return protocol::printable(name_.empty() ? where : fmt::format("{} at {}", name_, where));
}

std::vector<InheritedSocket> take_inherited_sockets() {
  const std::string whose = take_variable("LISTEN_PID");
  const std::string count = take_variable("LISTEN_FDS");
  std::string names = take_variable("LISTEN_FDNAMES");
  std::vector<InheritedSocket> sockets;
  if (whose.empty() || number_in(whose) != ::getpid()) return sockets;
  const int number = std::min(number_in(count), max_sockets);
  for (int i = 0; i < number; ++i) {
    sockets.emplace_back(worker::FileDescriptor(first_descriptor + i), take_name(names));
  }
  return sockets;
}

}  // namespace wsd::master
