// The server's listening sockets: one SO_REUSEPORT socket per address and slot, opened before any worker exists and
// kept for life, so that a worker that dies or is replaced leaves its accept queue to its successor
// (docs/architecture.md). A unix socket is one for all slots: the kernel has no SO_REUSEPORT for its kind. So is one
// that a service manager opened: it stays open for life, whether one of our addresses is its or not, for the manager
// does not open it twice.
//
// Owned by the master. Workers get copies; a slot's sockets are retired only when nobody else holds any.

#pragma once

#include <optional>
#include <set>
#include <vector>

#include "master/inherited_sockets.h"
#include "master/listen_url.h"
#include "master/master_state.h"
#include "master/socket_file.h"
#include "master/supervision.h"
#include "worker/file_descriptor.h"

namespace wsd::master {

// Still owned by those that it was asked of.
struct OpenSocket {
  int descriptor = -1;
  worker::SocketRole role = {};
  bool operator==(const OpenSocket&) const = default;
};

// Whether an address is free for us to listen on, without doing so. Throws CommandError(failed).
void try_to_listen(const ListenUrl& url);

class ListeningSockets {
 public:
  // `unsent`: what the kernel takes for a client beyond what is on its way there, in bytes. 0: what it likes.
  explicit ListeningSockets(int unsent) : unsent_(unsent) {}
  // Those that this process had before it replaced its own binary.
  ListeningSockets(int unsent, const MasterState& state);
  void save(MasterState& state) const;

  // These serve the addresses that they are at, instead of sockets of our own.
  void use_inherited(std::vector<InheritedSocket> sockets);
  // Throws CommandError(usage) if one of them is at none of the addresses that are open.
  void refuse_unused() const;

  // Of the files of unix sockets that are opened from now on: whoever is in it may connect. Not given: our own.
  void use_group(std::optional<gid_t> group) { group_ = group; }

  // Opens what is missing for these addresses and slots 0 … count-1; what is there stays. An address with port 0 keeps
  // the port it got. Throws CommandError(failed), leaving everything as it was.
  void open(const std::vector<ListenUrl>& addresses, unsigned count);
  // Closes the sockets of addresses that are not among these.
  void keep_only(const std::vector<ListenUrl>& addresses);
  void retire(Slot slot);
  void close_all();

  // As asked for at the last open(), in that order, with the ports they got.
  [[nodiscard]] std::vector<ListenUrl> addresses() const;
  // One per address, those of the last open() first, in that order.
  [[nodiscard]] std::vector<OpenSocket> of_slot(Slot slot) const;
  // Only of these addresses: a new worker has nothing to do with those that are about to go.
  [[nodiscard]] std::vector<OpenSocket> of_slot(Slot slot, const std::vector<ListenUrl>& addresses) const;

 private:
  struct Address {
    ListenUrl asked;
    ListenUrl real;                               // with the port that the kernel chose
    std::vector<worker::FileDescriptor> sockets;  // by slot; empty where retired
    std::optional<SocketFile> file = {};          // of a unix socket of our own
    const InheritedSocket* inherited = nullptr;   // the one that serves it
  };

  void refuse_another_role(const ListenUrl& url) const;
  [[nodiscard]] Address probe(const ListenUrl& url) const;
  void open_slots(Address& address, unsigned count) const;
  [[nodiscard]] worker::FileDescriptor open_socket(Address& address) const;
  [[nodiscard]] worker::FileDescriptor open_tcp(const Address& address) const;
  [[nodiscard]] worker::FileDescriptor open_unix(Address& address) const;
  [[nodiscard]] std::set<int> open_sockets() const;

  [[nodiscard]] const InheritedSocket* find_inherited(const ListenUrl& url) const;

  int unsent_;
  std::vector<InheritedSocket> inherited_;  // as many as there were at the start
  std::optional<gid_t> group_;
  std::vector<Address> addresses_;
};

}  // namespace wsd::master
