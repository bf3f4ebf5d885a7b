// Counters of every process, in memory that the master and its workers share: status and metrics are answered from it
// in microseconds, whatever the workers are doing.
//
// A memfd with a header, an area that the master writes, and rows. The master hands each process one row, which that
// process alone writes until it is gone; then the master folds the row's counters into its slot's totals and hands the
// row out again, so totals never go back. Every field is one relaxed atomic: a reader may see two fields of different
// moments, never half of one.

#pragma once

#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <map>
#include <vector>

#include "worker/file_descriptor.h"

namespace wsd::worker {

// A number with one writer and any readers: plain load and store, no locked instruction.
class Counter {
 public:
  Counter() = default;
  Counter(const Counter& other) : value_(other.get()) {}
  Counter& operator=(const Counter& other) {
    set(other.get());
    return *this;
  }

  // The compiler would rather call it.
  [[gnu::always_inline]] void add(std::uint64_t amount) { set(get() + amount); }
  void set(std::uint64_t value) { value_.store(value, std::memory_order_relaxed); }
  [[nodiscard]] std::uint64_t get() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_{0};
};

// How often values of each order of magnitude came: bucket n has those up to 2^n that no smaller one has.
class Histogram {
 public:
  static constexpr std::size_t bucket_count = 40;

  // `weight`: for how many values this one stands.
  void add(std::uint64_t value, std::uint64_t weight = 1) {
    buckets_[bucket_of(value)].add(weight);
    sum_.add(value * weight);
  }
  void add(const Histogram& other) {
    for (std::size_t i = 0; i < bucket_count; ++i) buckets_[i].add(other.buckets_[i].get());
    sum_.add(other.sum_.get());
  }
  // What is too large for the last bucket is in there too.
  [[nodiscard]] std::uint64_t in_bucket(std::size_t bucket) const { return buckets_[bucket].get(); }
  [[nodiscard]] std::uint64_t sum() const { return sum_.get(); }

  static constexpr std::size_t bucket_of(std::uint64_t value) {
    const auto width = static_cast<std::size_t>(std::bit_width(value - (value == 0 ? 0 : 1)));
    return width < bucket_count ? width : bucket_count - 1;
  }

 private:
  std::array<Counter, bucket_count> buckets_;
  Counter sum_;
};

// Cache lines of its own: workers on different cores never write the same one. Fields are only ever appended, here and
// in the lists below: an older binary's rows are read as a beginning of these (master/older_scoreboard.h).
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
  // A gauge.
  Counter relayed;  // connections of other workers whose TLS this process keeps

  // Since version 2. Counters and histograms.
  Counter opened;          // opening handshakes completed
  Counter cpu_ns;          // processor time of the process
  Histogram message_size;  // bytes of the payload of messages_in
  Histogram callback_ns;   // how long on_message took (callback_clock.h)
  Histogram delivery_ns;   // from a publication to its being handed to this worker's subscribers
  // Gauges.
  Counter connection_limit;  // above which the worker accepts nobody
  // Counters.
  Counter refused;       // clients that were told to wait (429, 503), before they had a connection
  Counter rate_limited;  // connections closed for too many messages of their client's address
  Counter slow_closed;   // connections closed for reading too slowly
  Counter log_lost;      // lines of the log and the access log that could not be written
  // Gauges: what would be lost with the process, unless it hands over.
  Counter history_messages;  // that it keeps as the home of their channels
  Counter history_channels;  // that have some
};

// What a process that is gone leaves behind in its slot's totals: all that is not a gauge.
inline constexpr auto row_counters = std::to_array<Counter ScoreboardRow::*>({
    &ScoreboardRow::accepted,
    &ScoreboardRow::messages_in,
    &ScoreboardRow::messages_out,
    &ScoreboardRow::bytes_in,
    &ScoreboardRow::bytes_out,
    &ScoreboardRow::send_dropped,
    &ScoreboardRow::protocol_errors,
    &ScoreboardRow::published,
    &ScoreboardRow::bus_dropped,
    &ScoreboardRow::opened,
    &ScoreboardRow::cpu_ns,
    &ScoreboardRow::refused,
    &ScoreboardRow::rate_limited,
    &ScoreboardRow::slow_closed,
    &ScoreboardRow::log_lost,
});
inline constexpr auto row_histograms = std::to_array<Histogram ScoreboardRow::*>({
    &ScoreboardRow::message_size,
    &ScoreboardRow::callback_ns,
    &ScoreboardRow::delivery_ns,
});

// Adds the counters and histograms of a row, and no gauge.
void add_counters(ScoreboardRow& sum, const ScoreboardRow& row);

// What the master counts itself. Fields are only ever appended.
struct MasterCounters {
  Counter pid;
  Counter started_at_s;  // of the epoch
  Counter generation;    // the newest that serves
  Counter slots;         // in service: so many workers should serve
  Counter reloads;       // that were done
  Counter reloads_failed;
  Counter upgrades;  // of this binary, in place
  // Unplanned ends of workers.
  Counter exits_crashed;  // by a signal that the process brought upon itself
  Counter exits_killed;   // by another one
  Counter exits_failed;   // by itself, with a status that is not 0
  Counter log_lost;       // lines of the log that the master could not write
  Counter history_lost;   // messages of history that were kept by workers with an unplanned end
};

// All of a scoreboard at one moment.
struct ScoreboardReading {
  struct Process {
    std::uint16_t slot = 0;
    std::uint32_t generation = 0;
    std::uint64_t pid = 0;
    ScoreboardRow row;
  };

  MasterCounters master;
  std::vector<Process> processes;                // those that live
  std::map<std::uint16_t, ScoreboardRow> slots;  // by slot: the counters of all its processes, gone ones too
};

class Scoreboard {
 public:
  static constexpr std::size_t capacity = 1024;  // processes at a time: 256 slots, their successors, and those draining
  static constexpr std::size_t slot_capacity = 256;
  static constexpr std::uint32_t version = 2;  // of the layout: raised when a field moves

  // A new one. Throws std::system_error when there is no memory for it.
  static Scoreboard create();
  // One that another process made, with the same layout. Throws std::system_error or std::runtime_error.
  static Scoreboard map(FileDescriptor memory);
  // Whether map() would take it.
  [[nodiscard]] static bool has_this_layout(int memory);

  Scoreboard(Scoreboard&& other) noexcept;
  Scoreboard& operator=(Scoreboard&&) = delete;
  ~Scoreboard();

  [[nodiscard]] int descriptor() const { return memory_.get(); }
  [[nodiscard]] ScoreboardRow& row(std::size_t index);
  [[nodiscard]] const ScoreboardRow& row(std::size_t index) const;

  // ---- by the master alone
  // Hands the row to a process: clean.
  void open_row(std::size_t index, std::uint16_t slot, std::uint32_t generation);
  void set_pid(std::size_t index, std::uint64_t pid);
  // Its process is gone: what it counted is its slot's.
  void close_row(std::size_t index);
  [[nodiscard]] MasterCounters& master();
  [[nodiscard]] const MasterCounters& master() const;
  // The totals of a slot's processes that are gone; null if there are none.
  [[nodiscard]] const ScoreboardRow* folded(std::uint16_t slot) const;
  // Adds to them what an earlier scoreboard has there.
  void fold(std::uint16_t slot, const ScoreboardRow& row);

  // ---- by anyone
  // While the master folds a row this looks again: no process is in the sums twice, or not at all.
  [[nodiscard]] ScoreboardReading read() const;

  // How the memory begins, in every version since 2. Offsets are from its beginning, sizes in bytes.
  struct Header {
    std::uint32_t layout_version = version;
    std::uint32_t row_size = sizeof(ScoreboardRow);
    std::uint32_t row_capacity = capacity;
    std::uint32_t rows_offset = 0;
    std::uint32_t folded_offset = 0;
    std::uint32_t folded_capacity = slot_capacity;
    std::uint32_t master_offset = 0;
    std::uint32_t master_size = sizeof(MasterCounters);
  };

 private:
  struct Layout;

  Scoreboard(FileDescriptor memory, Layout* layout) : memory_(std::move(memory)), layout_(layout) {}

  [[nodiscard]] static Header header();
  // Marks a moment in which the sums are not to be read.
  void begin_change();
  void end_change();
  [[nodiscard]] ScoreboardReading read_once() const;

  FileDescriptor memory_;
  Layout* layout_;
};

}  // namespace wsd::worker
