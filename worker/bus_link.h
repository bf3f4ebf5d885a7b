// This worker's end of the stream to another slot: records in and out, each behind its length (u32).
//
// Output is collected and leaves with flush(), once a turn; what the kernel does not take waits. Owned by the bus, and
// destroyed by it alone, never while handle_ready() runs.

#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "protocol/record.h"
#include "worker/file_descriptor.h"
#include "worker/poller.h"

namespace wsd::worker {

class BusLink final : public Watched {
 public:
  // A longer record is no record of ours: the largest message and something around it.
  static constexpr std::size_t max_record_size = std::size_t{1} << 31;

  // `socket`: a connected non-blocking stream. `on_record` gets each record, valid during the call; `on_end` is called
  // once when the other end is gone, after which the link says and hears nothing.
  BusLink(Poller& poller, FileDescriptor socket, std::span<std::byte> read_buffer,
          std::function<void(const protocol::RecordReader&)> on_record, std::function<void()> on_end);
  ~BusLink();
  BusLink(const BusLink&) = delete;
  BusLink& operator=(const BusLink&) = delete;

  void handle_ready(std::uint32_t events) override;
  // Takes all that is there to be read, as it will not be watched any longer.
  void drain();

  void send(std::span<const std::byte> record);
  void flush();
  // Bytes that have not left.
  [[nodiscard]] std::size_t waiting() const { return output_.size() - output_begin_; }
  [[nodiscard]] bool is_open() const { return open_; }

  // ---- from one worker to another. Watching begins with the constructor; taking what another had read, with
  // restore().
  [[nodiscard]] int descriptor() const { return socket_.get(); }
  [[nodiscard]] std::span<const std::byte> unread() const { return input_; }
  [[nodiscard]] std::span<const std::byte> unsent() const { return std::span(output_).subspan(output_begin_); }
  void restore(std::span<const std::byte> unread, std::span<const std::byte> unsent);

 private:
  // False if there was nothing.
  bool receive();
  // Takes whole records from the front; returns what is left.
  std::span<const std::byte> take_records(std::span<const std::byte> bytes);
  void end();
  void watch();

  Poller& poller_;
  FileDescriptor socket_;
  std::span<std::byte> read_buffer_;
  std::function<void(const protocol::RecordReader&)> on_record_;
  std::function<void()> on_end_;
  std::vector<std::byte> input_;  // the beginning of a record
  std::vector<std::byte> output_;
  std::size_t output_begin_ = 0;  // what lies before it has left
  std::uint32_t watched_events_ = 0;
  bool open_ = true;
  bool is_heard_ = true;  // the other end is there to read
};

}  // namespace wsd::worker
