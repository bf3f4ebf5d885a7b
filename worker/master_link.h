// A worker's line to its master: hears orders, makes reports. When it ends, the master is gone.

#pragma once

#include <uv.h>

#include <cstdint>
#include <functional>
#include <string_view>
#include <vector>

#include "protocol/record.h"
#include "worker/file_descriptor.h"
#include "worker/loop.h"
#include "worker/master_protocol.h"
#include "worker/record_socket.h"
#include "worker/uv_handle.h"

namespace wsd::worker {

class MasterLink {
 public:
  using OrderHandler = std::function<void(const protocol::RecordReader&, std::vector<FileDescriptor>)>;

  // `on_order` may destroy nothing of the link; `on_end` is called once.
  // `socket` outlives the link.
  MasterLink(Loop& loop, const RecordSocket& socket, OrderHandler on_order, std::function<void()> on_end);

  void report(WorkerReport report);
  void report_released(std::uint16_t slot);
  void report_took_over(std::size_t connections, std::uint64_t pause_us);
  void report_handoff_failed(std::string_view reason);
  void report_published(std::uint64_t question, std::uint64_t delivered_to, bool partial);
  // `problem`: empty if there is none.
  void report_reopened(std::uint64_t question, std::string_view problem);
  // `rows`: none if there was no memory for them.
  void report_connections(std::uint64_t question, const FileDescriptor& rows);
  void report_relays() { report(WorkerReport::relays); }
  void report_joins_bus() { report(WorkerReport::joins_bus); }
  // The worker ends with ExitCode::cannot_start next.
  static void report_cannot_start(const RecordSocket& socket, std::string_view reason);

 private:
  void receive();

  const RecordSocket& socket_;
  OrderHandler on_order_;
  std::function<void()> on_end_;
  UvHandle<uv_poll_t> watcher_;
};

}  // namespace wsd::worker
