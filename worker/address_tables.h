// What clients of one address have of the whole machine: how many connections, and how often they may do something. In
// memory that the master and its workers share.
//
// A memfd. Connections are counted in a table per process (rows as on the scoreboard), which that process alone writes
// and all read: who wants to know sums them up, and when a process is gone the master clears its table. Rates have one
// table for all, since what was taken of a rate belongs to nobody: an entry is one number per rate, the time at which
// its bucket is full again, changed by compare-and-swap. Nobody waits for anybody, and a process may die anywhere.
//
// A table that is full of addresses knows no more of them: those are not limited. Tables are sized for that not to
// happen, and cost memory where they are used alone.

#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "worker/file_descriptor.h"
#include "worker/scoreboard.h"

namespace wsd::worker {

// A keyed hash of an address, or of an IPv6 network of 64 bits: its owner has all addresses in there. 0 is none.
using AddressKey = std::uint64_t;

class AddressTables {
 public:
  static constexpr std::uint32_t version = 1;
  static constexpr std::size_t rows = Scoreboard::capacity;

  enum class Rate : std::size_t { handshakes, messages };

  // `connections`: how many a process may have. Throws std::system_error when there is no memory.
  [[nodiscard]] static AddressTables create(std::size_t connections);
  // Those that another process made. Throws std::system_error or std::runtime_error.
  [[nodiscard]] static AddressTables map(FileDescriptor memory);

  AddressTables(AddressTables&& other) noexcept;
  AddressTables& operator=(AddressTables&&) = delete;
  ~AddressTables();

  [[nodiscard]] int descriptor() const { return memory_.get(); }
  // Nothing for what is no address.
  [[nodiscard]] std::optional<AddressKey> key_of(std::string_view address) const;

  // Of all processes together.
  [[nodiscard]] std::uint64_t connections(AddressKey key) const;
  // One more, one less in the process of that row. False if its table has no place for another address.
  [[nodiscard]] bool add(std::size_t row, AddressKey key);
  void remove(std::size_t row, AddressKey key);

  // Takes one of `per_second`, of which a second's worth may come at once. False if there is none left.
  [[nodiscard]] bool take(Rate rate, AddressKey key, std::uint32_t per_second, std::uint64_t now_ns);

  // For the master: the row is about to be used, and its process is gone.
  void open_row(std::size_t row);
  void clear_row(std::size_t row);

 private:
  struct Header;
  struct Entry;
  struct RateEntry;

  AddressTables(FileDescriptor memory, Header* header, std::size_t size)
      : memory_(std::move(memory)), header_(header), size_(size) {}

  [[nodiscard]] Entry* table(std::size_t row) const;
  [[nodiscard]] RateEntry* rate_table() const;
  [[nodiscard]] RateEntry* rate_entry(AddressKey key, std::uint64_t now_ns);

  FileDescriptor memory_;
  Header* header_;
  std::size_t size_;
};

}  // namespace wsd::worker
