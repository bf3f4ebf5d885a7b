// The scoreboard as release 0.2 made it, byte by byte.

#pragma once

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>

#include "worker/file_descriptor.h"

namespace wsd::master {

class ScoreboardOfVersion1 {
 public:
  // Of a row, in its order.
  enum Field : std::size_t {
    heartbeat_ns,
    connections,
    loop_lag_ms,
    accepted,
    messages_in,
    messages_out,
    bytes_in,
    bytes_out,
    send_dropped,
    protocol_errors,
    published,
    bus_dropped,
    relayed,
  };

  ScoreboardOfVersion1() : memory_(::memfd_create("test", MFD_CLOEXEC)) {
    EXPECT_EQ(::ftruncate(memory_.get(), 128 + 1024 * 128), 0);
    set_header(0, 1);     // version
    set_header(1, 128);   // size of a row
    set_header(2, 1024);  // rows
  }

  void set_header(std::size_t field, std::uint32_t value) { write(field * sizeof(value), &value, sizeof(value)); }
  void set(std::size_t row, Field field, std::uint64_t value) {
    write(128 + row * 128 + field * sizeof(value), &value, sizeof(value));
  }
  // Another one of the same memory.
  [[nodiscard]] worker::FileDescriptor descriptor() const { return worker::FileDescriptor(::dup(memory_.get())); }

 private:
  void write(std::size_t offset, const void* data, std::size_t size) {
    EXPECT_EQ(::pwrite(memory_.get(), data, size, static_cast<off_t>(offset)), static_cast<ssize_t>(size));
  }

  worker::FileDescriptor memory_;
};

}  // namespace wsd::master
