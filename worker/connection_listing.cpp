#include "worker/connection_listing.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <span>
#include <utility>

namespace wsd::worker {

namespace {

bool write_all(int descriptor, std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t count = ::write(descriptor, bytes.data(), bytes.size());
    if (count <= 0) return false;
    bytes = bytes.subspan(static_cast<std::size_t>(count));
  }
  return true;
}

}  // namespace

ConnectionListing::ConnectionListing(Loop& loop, const ConnectionTable& connections, std::uint32_t slot,
                                     const ConnectionFilter& filter, std::function<void(FileDescriptor)> tell)
    : connections_(connections),
      slot_(slot),
      sieve_(filter),
      tell_(std::move(tell)),
      memory_(::memfd_create("wsd-connections", MFD_CLOEXEC | MFD_ALLOW_SEALING)) {
  ids_.reserve(connections.size());
  for (const ClientConnection& connection : connections) ids_.push_back(connection.id());
  each_turn_ = make_uv_handle<uv_idle_t>([&](uv_idle_t* handle) { return uv_idle_init(loop.get(), handle); });
  each_turn_->data = this;
  uv_idle_start(each_turn_.get(), [](uv_idle_t* handle) { static_cast<ConnectionListing*>(handle->data)->go_on(); });
}

void ConnectionListing::go_on() {
  write_some();
  if (!memory_ || !write_all(memory_.get(), bytes_)) return finish({});
  bytes_.clear();
  if (next_ < ids_.size()) return;
  ::fcntl(memory_.get(), F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL);
  finish(std::move(memory_));
}

void ConnectionListing::write_some() {
  const std::size_t end = std::min(ids_.size(), next_ + rows_per_turn);
  for (; next_ < end; ++next_) {
    const ClientConnection* const found = connections_.find(ids_[next_]);
    if (found == nullptr || found->is_gone()) continue;
    ConnectionRow row = found->describe();
    row.slot = slot_;
    if (sieve_.lets_through(row)) append(bytes_, row);
  }
}

void ConnectionListing::finish(FileDescriptor rows) {
  uv_idle_stop(each_turn_.get());
  const auto tell = std::move(tell_);  // which may be our end
  tell(std::move(rows));
}

}  // namespace wsd::worker
