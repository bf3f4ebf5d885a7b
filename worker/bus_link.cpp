#include "worker/bus_link.h"

#include <sys/epoll.h>
#include <sys/socket.h>

#include <cerrno>
#include <utility>

#include "protocol/assertion.h"
#include "worker/record_stream.h"

namespace wsd::worker {

namespace {

bool would_block(int error) {
  return error == EAGAIN || error == EWOULDBLOCK || error == EINTR;
}

}  // namespace

BusLink::BusLink(Poller& poller, FileDescriptor socket, std::span<std::byte> read_buffer,
                 std::function<void(const protocol::RecordReader&)> on_record, std::function<void()> on_end)
    : poller_(poller),
      socket_(std::move(socket)),
      read_buffer_(read_buffer),
      on_record_(std::move(on_record)),
      on_end_(std::move(on_end)),
      watched_events_(EPOLLIN) {
  WSD_ASSERT(poller_.add(socket_.get(), *this, watched_events_));
}

BusLink::~BusLink() {
  if (open_) poller_.remove(socket_.get());
}

void BusLink::handle_ready(std::uint32_t events) {
  if ((events & EPOLLOUT) != 0) flush();
  if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0 && open_) receive();
}

// Once, like a client: a busy neighbour has its turn again after the others.
bool BusLink::receive() {
  const ssize_t count = ::recv(socket_.get(), read_buffer_.data(), read_buffer_.size(), 0);
  if (count < 0 && would_block(errno)) return false;
  if (count <= 0) {
    end();
    return false;
  }
  std::span<const std::byte> bytes = read_buffer_.first(static_cast<std::size_t>(count));
  if (input_.empty()) {
    bytes = take_records(bytes);
    input_.assign(bytes.begin(), bytes.end());
    return true;
  }
  input_.insert(input_.end(), bytes.begin(), bytes.end());
  const std::size_t left = take_records(input_).size();
  input_.erase(input_.begin(), input_.end() - static_cast<std::ptrdiff_t>(left));
  return true;
}

void BusLink::drain() {
  while (open_ && receive()) continue;
}

// Both ends are ours, so bytes that are no records are our own fault.
std::span<const std::byte> BusLink::take_records(std::span<const std::byte> bytes) {
  while (open_) {
    WSD_ASSERT(next_record_size(bytes) <= max_record_size);
    const auto whole = take_record(bytes);
    if (!whole) break;
    const auto record = protocol::RecordReader::parse(*whole);
    WSD_ASSERT(record);
    on_record_(*record);
  }
  return bytes;
}

void BusLink::send(std::span<const std::byte> record) {
  if (!open_ || !is_heard_) return;
  append_record(output_, record);
}

void BusLink::flush() {
  if (!open_) return;
  if (waiting() > 0) {
    const ssize_t count = ::send(socket_.get(), output_.data() + output_begin_, waiting(), MSG_NOSIGNAL);
    // It is dead. What it said before may still be unread: the link ends where the stream does.
    if (count < 0 && !would_block(errno)) is_heard_ = false;
    if (!is_heard_) output_begin_ = output_.size();
    if (count > 0) output_begin_ += static_cast<std::size_t>(count);
  }
  // Moved to the front only when that is cheap: at most as much as has left since.
  if (waiting() == 0 || output_begin_ > output_.size() / 2) {
    output_.erase(output_.begin(), output_.begin() + static_cast<std::ptrdiff_t>(output_begin_));
    output_begin_ = 0;
  }
  watch();
}

void BusLink::watch() {
  const std::uint32_t events = EPOLLIN | (waiting() > 0 ? std::uint32_t{EPOLLOUT} : 0);
  if (std::exchange(watched_events_, events) != events) poller_.change(socket_.get(), *this, events);
}

void BusLink::end() {
  if (!std::exchange(open_, false)) return;
  poller_.remove(socket_.get());
  output_.clear();
  output_begin_ = 0;
  on_end_();
}

void BusLink::restore(std::span<const std::byte> unread, std::span<const std::byte> unsent) {
  input_.assign(unread.begin(), unread.end());
  output_.assign(unsent.begin(), unsent.end());
}

}  // namespace wsd::worker
