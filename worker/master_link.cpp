#include "worker/master_link.h"

#include <span>
#include <utility>

#include "protocol/assertion.h"
#include "worker/log.h"

namespace wsd::worker {

namespace {

// A report that the master does not take is no loss: it reads within milliseconds or is about to be gone.
void send(const RecordSocket& socket, const protocol::RecordWriter& record) {
  (void)socket.send(record.bytes());
}

}  // namespace

MasterLink::MasterLink(Loop& loop, const RecordSocket& socket, OrderHandler on_order, std::function<void()> on_end)
    : socket_(socket), on_order_(std::move(on_order)), on_end_(std::move(on_end)) {
  watcher_ = make_uv_handle<uv_poll_t>(
      [&](uv_poll_t* handle) { return uv_poll_init(loop.get(), handle, socket_.descriptor()); });
  WSD_ASSERT(watcher_ != nullptr);
  watcher_->data = this;
  uv_poll_start(watcher_.get(), UV_READABLE | UV_DISCONNECT,
                [](uv_poll_t* handle, int, int) { static_cast<MasterLink*>(handle->data)->receive(); });
}

void MasterLink::receive() {
  for (;;) {
    RecordSocket::Received received = socket_.receive();
    if (received.status == RecordSocket::Status::would_block) return;
    if (received.status == RecordSocket::Status::ended) {
      watcher_.reset();
      return on_end_();
    }
    const auto order = protocol::RecordReader::parse(received.bytes);
    if (!order) {
      log::error("the master sent what is no order; it is ignored");
      continue;
    }
    // Without room for all its descriptors an order has none: half of a slot's sockets would be worse.
    if (received.status == RecordSocket::Status::failed) {
      log::error("out of descriptors: raise the limit (LimitNOFILE, ulimit -n)");
      received.descriptors.clear();
    }
    on_order_(*order, std::move(received.descriptors));
  }
}

void MasterLink::report(WorkerReport report) {
  send(socket_, record_of(report));
}

void MasterLink::report_released(std::uint16_t slot) {
  auto record = record_of(WorkerReport::released);
  record.add_number(tag(MasterField::slot), slot);
  send(socket_, record);
}

void MasterLink::report_took_over(std::size_t connections, std::uint64_t pause_us) {
  auto record = record_of(WorkerReport::took_over);
  record.add_number(tag(MasterField::connections), connections);
  record.add_number(tag(MasterField::pause_us), pause_us);
  send(socket_, record);
}

void MasterLink::report_handoff_failed(std::string_view reason) {
  auto record = record_of(WorkerReport::handoff_failed);
  record.add(tag(MasterField::reason), reason);
  send(socket_, record);
}

void MasterLink::report_published(std::uint64_t question, std::uint64_t delivered_to, bool partial) {
  auto record = record_of(WorkerReport::published);
  record.add_number(tag(MasterField::question), question);
  record.add_number(tag(MasterField::delivered_to), delivered_to);
  record.add_number(tag(MasterField::partial), partial ? 1 : 0);
  send(socket_, record);
}

void MasterLink::report_reopened(std::uint64_t question, std::string_view problem) {
  auto record = record_of(WorkerReport::reopened);
  record.add_number(tag(MasterField::question), question);
  if (!problem.empty()) record.add(tag(MasterField::reason), problem);
  send(socket_, record);
}

void MasterLink::report_connections(std::uint64_t question, const FileDescriptor& rows) {
  auto record = record_of(WorkerReport::connections);
  record.add_number(tag(MasterField::question), question);
  const int descriptor = rows.get();
  (void)socket_.send(record.bytes(), rows ? std::span(&descriptor, 1) : std::span<const int>());
}

void MasterLink::report_cannot_start(const RecordSocket& socket, std::string_view reason) {
  auto record = record_of(WorkerReport::cannot_start);
  record.add(tag(MasterField::reason), reason.substr(0, 4096));
  send(socket, record);
}

}  // namespace wsd::worker
