// Counters of every process, in memory that the master and its workers share: status is answered from it in
// microseconds, whatever the workers are doing.
//
// A memfd with a header and rows. The master hands each worker one row, which that worker alone writes until it is
// gone; then the master folds the row's counters into its slot's totals and hands the row out again, so totals never go
// back. Every field is one relaxed atomic: a reader may see two fields of different moments, never half of one.

#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "worker/file_descriptor.h"

namespace wsd::worker {

// A number with one writer and any readers: plain load and store, no locked instruction.
class Counter {
 public:
  void add(std::uint64_t amount) { set(get() + amount); }
  void set(std::uint64_t value) { value_.store(value, std::memory_order_relaxed); }
  [[nodiscard]] std::uint64_t get() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_{0};
};

// Two cache lines of its own: workers on different cores never write the same line.
struct alignas(128) ScoreboardRow {
  // Gauges.
  Counter heartbeat_ns;  // CLOCK_MONOTONIC, stamped every 100 ms by the worker's loop; 0: never yet
  Counter connections;   // open WebSocket connections
  Counter loop_lag_ms;   // how late the last stamp was
  // Counters, from zero at the start of the process.
  Counter accepted;         // TCP connections taken from the accept queue
  Counter messages_in;      // whole data messages received
  Counter messages_out;     // data messages accepted for sending
  Counter bytes_in;         // from the sockets, handshakes and framing included
  Counter bytes_out;        // taken by the kernel
  Counter send_dropped;     // messages refused by a full send queue
  Counter protocol_errors;  // connections failed for breaking RFC 6455 or refused at the opening handshake
  Counter published;        // messages given to the bus, by connections, workers and other programs
  Counter bus_dropped;      // of these, how often one did not go to a slot that should have had it
  // Gauges that came later.
  Counter relayed;  // connections of other workers whose TLS this process keeps
};

class Scoreboard {
 public:
  static constexpr std::size_t capacity = 1024;  // processes at a time: 256 slots, their successors, and those draining

  // A new one. Throws std::system_error when there is no memory for it.
  static Scoreboard create();
  // One that another process made, with the same layout. Throws std::system_error or std::runtime_error.
  static Scoreboard map(FileDescriptor memory);
  static constexpr std::uint32_t version = 1;  // of the layout: raised when a field moves

  Scoreboard(Scoreboard&& other) noexcept;
  Scoreboard& operator=(Scoreboard&&) = delete;
  ~Scoreboard();

  [[nodiscard]] int descriptor() const { return memory_.get(); }
  [[nodiscard]] ScoreboardRow& row(std::size_t index);
  [[nodiscard]] const ScoreboardRow& row(std::size_t index) const;

 private:
  struct Layout;

  [[nodiscard]] static void* map_memory(const FileDescriptor& memory);
  Scoreboard(FileDescriptor memory, Layout* layout) : memory_(std::move(memory)), layout_(layout) {}

  FileDescriptor memory_;
  Layout* layout_;
};

}  // namespace wsd::worker
