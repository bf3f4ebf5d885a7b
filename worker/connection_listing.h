// One `wsd connections` at work in a worker: it writes a row for each connection into a memfd, some in each turn of the
// loop, so that clients wait for a few milliseconds at most however many connections there are.
//
// Owned by the server. Connections that come meanwhile are not listed, nor are those that go before it is their turn.

#pragma once

#include <uv.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

#include "worker/connection_filter.h"
#include "worker/connection_table.h"
#include "worker/file_descriptor.h"
#include "worker/loop.h"
#include "worker/uv_handle.h"

namespace wsd::worker {

class ConnectionListing {
 public:
  static constexpr std::size_t rows_per_turn = 500;

  // `connections` outlives it. `tell` is called once, from the loop, and may destroy the listing: with a sealed memfd,
  // or with none if there was no memory or no descriptor.
  ConnectionListing(Loop& loop, const ConnectionTable& connections, std::uint32_t slot, const ConnectionFilter& filter,
                    std::function<void(FileDescriptor)> tell);
  ConnectionListing(const ConnectionListing&) = delete;
  ConnectionListing& operator=(const ConnectionListing&) = delete;

 private:
  void go_on();
  void write_some();
  void finish(FileDescriptor rows);

  const ConnectionTable& connections_;
  const std::uint32_t slot_;
  const ConnectionSieve sieve_;
  std::function<void(FileDescriptor)> tell_;
  std::vector<ConnectionId> ids_;
  std::size_t next_ = 0;
  std::vector<std::byte> bytes_;  // of one turn
  FileDescriptor memory_;
  UvHandle<uv_idle_t> each_turn_;
};

}  // namespace wsd::worker
