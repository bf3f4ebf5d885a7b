// The handoff: a worker gives its live connections to the next generation's worker of the same slot (docs/reload.md).
//
//   old ── offer ─► new      how many, since when
//   old ── batch ─► new …    states, each with its socket
//   old ── bus ───► new …    what the old worker's bus knows, and its links
//   old ── end ───► new
//   old ◄─ accepted ── new   it has everything; it reads, writes and calls nothing yet
//   old ── commit ─► new     the old one has closed nothing before this and touches nothing after it
//
// Any failure before the commit leaves the old worker as it was: it says `withdraw`, and the new one forgets what it
// got. A stream that ends after `accepted` was delivered means that the old one died: what it offered is then the new
// one's, since nobody else has it. Where it ends otherwise, only the master knows, and says so (begin_to_serve).

#pragma once

#include <uv.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "worker/api_connection_state.h"
#include "worker/connection_state.h"
#include "worker/file_descriptor.h"
#include "worker/loop.h"
#include "worker/proxy_greeting_state.h"
#include "worker/record_socket.h"
#include "worker/uv_handle.h"

namespace wsd::worker {

struct HandedConnection {
  ConnectionState state;
  FileDescriptor socket;
};

struct HandedApiConnection {
  ApiConnectionState state;
  FileDescriptor socket;
};

// One whose proxy has not said yet whom it speaks for.
struct HandedGreeting {
  ProxyGreetingState state;
  FileDescriptor socket;
};

// The old worker's side. Blocks, for `patience` at most in all: nothing else may happen in its loop meanwhile.
class HandoffSender {
 public:
  // `connections`: of all kinds.
  HandoffSender(RecordSocket stream, std::size_t connections, std::chrono::milliseconds patience);

  // `socket` is copied; the caller keeps its own.
  void add(const ConnectionState& state, int socket);
  // This one is not kept: it is closed once it has been sent.
  void add(const ConnectionState& state, FileDescriptor socket);
  void add(const ApiConnectionState& state, int socket);
  void add(const ProxyGreetingState& state, int socket);
  // Likewise the links of a bus.
  void add_bus(std::span<const std::byte> records, std::span<const int> links);
  // True once the new worker has everything. If not, failure() says why; then withdraw().
  [[nodiscard]] bool offer_accepted();
  // The connections are the new worker's from here on. False if it is gone: they are still ours.
  [[nodiscard]] bool commit();
  // Nothing changes hands. Where the new worker could not be told, since it reads nothing, this gives back the stream:
  // it must stay open while this worker lives, or its end would be taken for our death.
  [[nodiscard]] RecordSocket withdraw();
  [[nodiscard]] const std::string& failure() const { return failure_; }
  // There is something that cannot be handed over: nothing more is sent, and the offer is not accepted.
  void fail(std::string reason);

 private:
  void add_record(std::span<const std::byte> record, int socket);
  void send(std::span<const std::byte> record, std::span<const int> descriptors = {});
  void send_batch();
  [[nodiscard]] bool wait_for(short events);

  RecordSocket stream_;
  std::chrono::steady_clock::time_point deadline_;
  protocol::RecordWriter batch_;
  std::vector<int> batch_descriptors_;
  std::vector<FileDescriptor> batch_memory_;  // and sockets that are not kept
  std::string failure_;
};

// The new worker's side: driven by its loop.
class HandoffReceiver {
 public:
  enum class Result : std::uint8_t {
    committed,  // the connections are ours
    withdrawn,  // they stay where they are, and so does the serving
    orphaned,   // the stream ended without a last word: if the master says that the old worker is dead, what came is
                // ours
  };
  // Of the old worker's bus, as mesh_bus.h saves it. Empty from a release that had none.
  struct Bus {
    std::vector<std::byte> records;
    std::vector<FileDescriptor> links;
  };
  struct Outcome {
    Result result = Result::withdrawn;
    std::vector<HandedConnection> connections;
    std::vector<HandedApiConnection> api_connections;
    std::vector<HandedGreeting> greetings;
    Bus bus;
    std::uint64_t offered_at_ns = 0;  // CLOCK_MONOTONIC: when the old worker stopped serving them
  };

  // `on_done` is called once, from the loop, and may destroy the receiver.
  HandoffReceiver(Loop& loop, RecordSocket stream, std::function<void(Outcome)> on_done);

 private:
  enum class Next : std::uint8_t { go_on, committed, orphaned, off };

  void receive();
  [[nodiscard]] Next take(RecordSocket::Received received);
  [[nodiscard]] bool take_batch(const protocol::RecordReader& batch, std::vector<FileDescriptor> descriptors);
  [[nodiscard]] bool take_connection(std::span<const std::byte> record, FileDescriptor socket);
  [[nodiscard]] bool take_bus(const protocol::RecordReader& record, std::vector<FileDescriptor> descriptors);
  [[nodiscard]] std::size_t taken() const;
  void finish(Result result);

  RecordSocket stream_;
  std::function<void(Outcome)> on_done_;
  Outcome outcome_;
  std::uint64_t expected_ = 0;
  bool whole_ = false;     // the old worker has said `end`, and we have all it announced
  bool accepted_ = false;  // and it can know that
  UvHandle<uv_poll_t> watcher_;
};

}  // namespace wsd::worker
