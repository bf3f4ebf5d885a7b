// What the connections of one worker share to take compressed messages and to make them (RFC 7692): streams that begin
// afresh with every message, and the buffers that all streams work into, one message at a time.
//
// Owned by the context; outlives every connection. What is not used is not made.

#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "protocol/deflate_stream.h"
#include "protocol/permessage_deflate.h"
#include "protocol/scratch_buffer.h"
#include "worker/limits.h"

namespace wsd::worker {

class Compression {
 public:
  // `limits` outlives it.
  explicit Compression(const DeflateLimits& limits) : limits_(limits) {}
  Compression(const Compression&) = delete;
  Compression& operator=(const Compression&) = delete;

  // What new connections are to be offered.
  [[nodiscard]] protocol::DeflatePolicy policy() const;
  // Whether a message of this size is worth compressing. None is where compression was switched off by a reload, though
  // connections from before it may still take and send it.
  [[nodiscard]] bool is_worth(std::size_t size) const { return limits_.enabled && size >= limits_.threshold; }

  // Without context takeover, for everyone. `size`: of the message.
  [[nodiscard]] protocol::Inflater& inflater();
  [[nodiscard]] protocol::Deflater& deflater(std::uint8_t window_bits, std::size_t size);
  // With it, for one connection.
  [[nodiscard]] std::unique_ptr<protocol::Inflater> make_inflater(std::uint8_t window_bits);
  [[nodiscard]] std::unique_ptr<protocol::Deflater> make_deflater(std::uint8_t window_bits);

 private:
  [[nodiscard]] protocol::Deflater::Settings settings(std::uint8_t window_bits) const;

  // Of small messages: the tables of a small window suffice, which are cleared for each and stay in the cache.
  static constexpr std::size_t small_message = 2048;
  static constexpr std::uint8_t small_window_bits = 12;
  static constexpr std::uint8_t small_memory_level = 5;

  const DeflateLimits& limits_;
  protocol::ScratchBuffer inflated_;
  protocol::ScratchBuffer deflated_;
  std::unique_ptr<protocol::Inflater> inflater_;
  std::array<std::unique_ptr<protocol::Deflater>, protocol::max_deflate_window_bits + 1> deflaters_;  // by window_bits
  std::unique_ptr<protocol::Deflater> small_deflater_;
};

}  // namespace wsd::worker
