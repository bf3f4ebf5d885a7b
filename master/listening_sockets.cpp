#include "master/listening_sockets.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <set>
#include <span>
#include <utility>

#include "master/exit_status.h"

namespace wsd::master {

namespace {

using worker::FileDescriptor;

// The kernel caps it at net.core.somaxconn.
constexpr int backlog = 4096;

struct AddressInfoDeleter {
  void operator()(addrinfo* info) const { ::freeaddrinfo(info); }
};
using AddressInfo = std::unique_ptr<addrinfo, AddressInfoDeleter>;

CommandError cannot_listen(const ListenUrl& url, int error) {
  const std::string where = to_string(url);
  switch (error) {
    case EADDRINUSE:
      if (url.is_unix()) {
        return {CommandStatus::failed,
                fmt::format("cannot listen on {}: another program listens there; stop that one or "
                            "choose another path",
                            where)};
      }
      return {CommandStatus::failed, fmt::format("cannot listen on {}: the port is taken by another program; stop that "
                                                 "one or choose another port with --listen",
                                                 where)};
    case EACCES:
      if (url.is_unix()) {
        return {
            CommandStatus::failed,
            fmt::format("cannot listen on {}: this user may not write there; choose a path in a directory of its own",
                        where)};
      }
      return {CommandStatus::failed, fmt::format("cannot listen on {}: ports below 1024 need root or "
                                                 "CAP_NET_BIND_SERVICE; choose a higher one with --listen",
                                                 where)};
    case EADDRNOTAVAIL:
      return {CommandStatus::failed, fmt::format("cannot listen on {}: this machine has no such address; use one of "
                                                 "its own, or 0.0.0.0 for all",
                                                 where)};
    case ENOENT:
      return {CommandStatus::failed, fmt::format("cannot listen on {}: its directory is not there; make it", where)};
    default:
      return {CommandStatus::failed, fmt::format("cannot listen on {}: {}", where, std::strerror(error))};
  }
}

AddressInfo resolve(const ListenUrl& url) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  addrinfo* info = nullptr;
  const int error = ::getaddrinfo(url.host.c_str(), std::to_string(url.port).c_str(), &hints, &info);
  if (error != 0) {
    throw CommandError(CommandStatus::failed, fmt::format("cannot listen on {}: the host is not known ({}); write an "
                                                          "address of this machine",
                                                          to_string(url), gai_strerror(error)));
  }
  return AddressInfo(info);
}

void set_option(const FileDescriptor& socket, int level, int name, int value) {
  ::setsockopt(socket.get(), level, name, &value, sizeof(value));
}

// From the socket that accepts them: no system call per client.
void set_what_clients_inherit(int socket, int unsent) {
  constexpr int yes = 1;
  const bool is_tcp = ::setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes)) == 0;
  if (is_tcp) {
    // What is on its way is the kernel's business, which knows how fast the peer reads.
    ::setsockopt(socket, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &unsent, sizeof(unsent));
  } else {
    const int send_buffer = unsent / 2;  // the kernel doubles it
    ::setsockopt(socket, SOL_SOCKET, SO_SNDBUF, &send_buffer, sizeof(send_buffer));
  }
}

enum class Sharing : bool { exclusive, reuse_port };

FileDescriptor bind_socket(const ListenUrl& url, const addrinfo& info, Sharing sharing) {
  FileDescriptor socket(::socket(info.ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!socket) throw cannot_listen(url, errno);
  set_option(socket, SOL_SOCKET, SO_REUSEADDR, 1);
  if (sharing == Sharing::reuse_port) set_option(socket, SOL_SOCKET, SO_REUSEPORT, 1);
  if (info.ai_family == AF_INET6) set_option(socket, IPPROTO_IPV6, IPV6_V6ONLY, 1);
  if (::bind(socket.get(), info.ai_addr, info.ai_addrlen) != 0) throw cannot_listen(url, errno);
  return socket;
}

std::uint16_t port_of(const FileDescriptor& socket) {
  sockaddr_storage address{};
  socklen_t size = sizeof(address);
  ::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&address), &size);
  const in_port_t port = address.ss_family == AF_INET6 ? reinterpret_cast<const sockaddr_in6&>(address).sin6_port
                                                       : reinterpret_cast<const sockaddr_in&>(address).sin_port;
  return ntohs(port);
}

// Readable and writable for the group too: a proxy in front of us is another user.
constexpr mode_t unix_mode = 0660;

// Whether somebody accepts connections there.
bool is_served(const std::string& path) {
  const FileDescriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof(address.sun_path) - 1);
  if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0) return true;
  return errno != ECONNREFUSED && errno != ENOENT;  // EAGAIN: its queue is full; EACCES: not ours to say
}

CommandError no_socket_in_the_way(const ListenUrl& url) {
  return {CommandStatus::failed,
          fmt::format("cannot listen on {}: there is something that is no socket; move it away or choose another path",
                      to_string(url))};
}

// A server that was killed leaves its socket's file behind. Anything else that is in the way is somebody's.
void make_room_for(const ListenUrl& url) {
  struct stat status {};
  if (::lstat(url.path.c_str(), &status) != 0) return;
  if (!S_ISSOCK(status.st_mode)) throw no_socket_in_the_way(url);
  if (is_served(url.path)) throw cannot_listen(url, EADDRINUSE);
  if (::unlink(url.path.c_str()) != 0 && errno != ENOENT) throw cannot_listen(url, errno);
}

bool is_there(const std::string& path) {
  struct stat status {};
  return ::lstat(path.c_str(), &status) == 0 && S_ISSOCK(status.st_mode);
}

FileDescriptor copy_of(int socket, const ListenUrl& url) {
  FileDescriptor copy(::fcntl(socket, F_DUPFD_CLOEXEC, 0));
  if (!copy) throw cannot_listen(url, errno);
  return copy;
}

// What would have to make room stays.
void try_unix(const ListenUrl& url) {
  struct stat status {};
  if (::lstat(url.path.c_str(), &status) == 0) {
    if (!S_ISSOCK(status.st_mode)) throw no_socket_in_the_way(url);
    if (is_served(url.path)) throw cannot_listen(url, EADDRINUSE);
  }
  const std::string directory = url.path.substr(0, std::max<std::size_t>(url.path.rfind('/'), 1));
  if (::access(directory.c_str(), W_OK | X_OK) != 0) throw cannot_listen(url, errno);
}

}  // namespace

void try_to_listen(const ListenUrl& url) {
  if (url.is_unix()) return try_unix(url);
  (void)bind_socket(url, *resolve(url), Sharing::exclusive);
}

ListeningSockets::ListeningSockets(int unsent, const MasterState& state) : unsent_(unsent) {
  for (const int socket : state.inherited) inherited_.emplace_back(FileDescriptor(socket), std::string());
  for (const MasterState::Address& open : state.addresses) {
    auto asked = parse_listen_url(open.asked, open.kind);
    auto real = parse_listen_url(open.real, open.kind);
    if (!asked || !real) continue;  // written by ourselves; the trial has read it
    Address address{.asked = *asked, .real = *real, .sockets = {}, .file = {}, .inherited = find_inherited(*real)};
    for (const int socket : open.sockets) address.sockets.emplace_back(socket);
    if (real->is_unix() && address.inherited == nullptr && is_there(real->path)) address.file.emplace(real->path);
    addresses_.push_back(std::move(address));
  }
}

void ListeningSockets::save(MasterState& state) const {
  for (const InheritedSocket& socket : inherited_) state.inherited.push_back(socket.descriptor());
  for (const Address& address : addresses_) {
    auto& saved = state.addresses.emplace_back(MasterState::Address{
        .asked = to_string(address.asked), .real = to_string(address.real), .sockets = {}, .kind = address.asked.kind});
    for (const FileDescriptor& socket : address.sockets) saved.sockets.push_back(socket.get());
  }
}

void ListeningSockets::use_inherited(std::vector<InheritedSocket> sockets) {
  inherited_ = std::move(sockets);
  for (const InheritedSocket& socket : inherited_) set_what_clients_inherit(socket.descriptor(), unsent_);
}

const InheritedSocket* ListeningSockets::find_inherited(const ListenUrl& url) const {
  if (inherited_.empty()) return nullptr;
  const AddressInfo info = url.is_unix() ? nullptr : resolve(url);
  const auto found = std::ranges::find_if(
      inherited_, [&](const InheritedSocket& socket) { return socket.listens_at(url, info.get()); });
  return found == inherited_.end() ? nullptr : &*found;
}

void ListeningSockets::refuse_unused() const {
  for (const InheritedSocket& socket : inherited_) {
    if (std::ranges::find(addresses_, &socket, &Address::inherited) != addresses_.end()) continue;
    std::vector<std::string> ours;
    for (const Address& address : addresses_) ours.push_back(to_string(address.asked));
    throw CommandError(
        CommandStatus::usage,
        fmt::format("the service manager passed on a socket, {}, that is at no address of ours or at one "
                    "that has another already ({}); name it with --listen or --api, or take it out of the "
                    ".socket unit",
                    socket.description(), fmt::join(ours, ", ")));
  }
}

void ListeningSockets::close_all() {
  addresses_.clear();
  inherited_.clear();
}

void ListeningSockets::open(const std::vector<ListenUrl>& addresses, unsigned count) {
  std::vector<Address> fresh;
  fresh.reserve(addresses.size());
  std::vector<Address*> wanted;
  for (const ListenUrl& url : addresses) {
    const auto known = std::ranges::find_if(addresses_, [&](Address& address) {
      return address.asked == url && std::ranges::find(wanted, &address) == wanted.end();
    });
    const auto same_place = [&url](const Address* other) { return other->asked.is_same_place(url); };
    if (const auto other = std::ranges::find_if(wanted, same_place); other != wanted.end()) {
      throw CommandError(CommandStatus::failed, fmt::format("cannot listen on {} and {}: each needs a place of its own",
                                                            to_string((*other)->asked), to_string(url)));
    }
    if (known == addresses_.end()) {
      refuse_another_role(url);
      fresh.push_back(probe(url));
    }
    wanted.push_back(known == addresses_.end() ? &fresh.back() : &*known);
  }

  const auto before = open_sockets();
  try {
    for (Address* address : wanted) open_slots(*address, count);
  } catch (...) {
    // A socket of a slot that nobody will serve would swallow its share of all clients.
    for (Address& address : addresses_) {
      for (FileDescriptor& socket : address.sockets) {
        if (!before.contains(socket.get())) socket.reset();
      }
    }
    throw;
  }

  // Nothing can fail any more. Wanted ones first, in their order; the others stay until keep_only().
  std::vector<Address> all;
  for (Address* address : wanted) all.push_back(std::move(*address));
  for (Address& address : addresses_) {
    if (!address.sockets.empty()) all.push_back(std::move(address));
  }
  addresses_ = std::move(all);
}

std::set<int> ListeningSockets::open_sockets() const {
  std::set<int> descriptors;
  for (const Address& address : addresses_) {
    for (const FileDescriptor& socket : address.sockets) descriptors.insert(socket.get());
  }
  return descriptors;
}

// Its sockets are in use for what they were opened for.
void ListeningSockets::refuse_another_role(const ListenUrl& url) const {
  for (const Address& address : addresses_) {
    if (!address.asked.is_same_place(url)) continue;
    throw CommandError(CommandStatus::failed,
                       fmt::format("cannot listen on {}: it is open as {}, and only a restart can change that",
                                   to_string(url), to_string(address.asked)));
  }
}

// Binds without SO_REUSEPORT: with it, a second server would start silently and share the traffic of the first.
ListeningSockets::Address ListeningSockets::probe(const ListenUrl& url) const {
  if (const InheritedSocket* const inherited = find_inherited(url)) {
    return {.asked = url, .real = url, .sockets = {}, .file = {}, .inherited = inherited};
  }
  if (url.is_unix()) {
    make_room_for(url);
    return {.asked = url, .real = url, .sockets = {}};
  }
  const AddressInfo info = resolve(url);
  const FileDescriptor socket = bind_socket(url, *info, Sharing::exclusive);
  ListenUrl real = url;
  real.port = port_of(socket);
  return {.asked = url, .real = real, .sockets = {}};
}

void ListeningSockets::open_slots(Address& address, unsigned count) const {
  address.sockets.resize(std::max<std::size_t>(address.sockets.size(), count));
  for (FileDescriptor& place : std::span(address.sockets).first(count)) {
    if (!place) place = open_socket(address);
  }
}

FileDescriptor ListeningSockets::open_socket(Address& address) const {
  if (address.inherited != nullptr) return copy_of(address.inherited->descriptor(), address.asked);
  return address.real.is_unix() ? open_unix(address) : open_tcp(address);
}

FileDescriptor ListeningSockets::open_tcp(const Address& address) const {
  FileDescriptor socket = bind_socket(address.real, *resolve(address.real), Sharing::reuse_port);
  set_what_clients_inherit(socket.get(), unsent_);
  if (::listen(socket.get(), backlog) != 0) throw cannot_listen(address.asked, errno);
  return socket;
}

FileDescriptor ListeningSockets::open_unix(Address& address) const {
  const auto open = std::ranges::find_if(address.sockets, [](const FileDescriptor& socket) { return bool(socket); });
  if (open != address.sockets.end()) return copy_of(open->get(), address.asked);
  FileDescriptor socket = bind_to_file(address.real.path, unix_mode, group_);
  if (!socket) throw cannot_listen(address.asked, errno);
  address.file.emplace(address.real.path);
  if (::listen(socket.get(), backlog) != 0) throw cannot_listen(address.asked, errno);
  return socket;
}

void ListeningSockets::keep_only(const std::vector<ListenUrl>& addresses) {
  std::erase_if(addresses_, [&addresses](const Address& address) {
    return std::ranges::find(addresses, address.asked) == addresses.end();
  });
}

void ListeningSockets::retire(Slot slot) {
  for (Address& address : addresses_) {
    if (slot < address.sockets.size()) address.sockets[slot].reset();
    while (!address.sockets.empty() && !address.sockets.back()) address.sockets.pop_back();
  }
}

std::vector<ListenUrl> ListeningSockets::addresses() const {
  std::vector<ListenUrl> urls;
  for (const Address& address : addresses_) urls.push_back(address.real);
  return urls;
}

std::vector<OpenSocket> ListeningSockets::of_slot(Slot slot) const {
  std::vector<OpenSocket> sockets;
  for (const Address& address : addresses_) {
    if (slot >= address.sockets.size() || !address.sockets[slot]) continue;
    sockets.push_back({address.sockets[slot].get(), address.asked.role()});
  }
  return sockets;
}

std::vector<OpenSocket> ListeningSockets::of_slot(Slot slot, const std::vector<ListenUrl>& addresses) const {
  std::vector<OpenSocket> sockets;
  for (const Address& address : addresses_) {
    if (std::ranges::find(addresses, address.asked) == addresses.end()) continue;
    if (slot >= address.sockets.size() || !address.sockets[slot]) continue;
    sockets.push_back({address.sockets[slot].get(), address.asked.role()});
  }
  // A slot that a failed reload left behind, with addresses that are gone: what there is serves better than nothing.
  return sockets.empty() ? of_slot(slot) : sockets;
}

}  // namespace wsd::master
