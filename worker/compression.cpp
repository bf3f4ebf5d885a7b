#include "worker/compression.h"

#include <algorithm>

namespace wsd::worker {

using protocol::ContextTakeover;
using protocol::Deflater;
using protocol::Inflater;

protocol::DeflatePolicy Compression::policy() const {
  return {.window_bits = limits_.window_bits,
          .server_takeover = limits_.server_takeover ? ContextTakeover::yes : ContextTakeover::no,
          .client_takeover = limits_.client_takeover ? ContextTakeover::yes : ContextTakeover::no};
}

Inflater& Compression::inflater() {
  // The largest window reads what was made with any.
  if (inflater_ == nullptr) {
    inflater_ = std::make_unique<Inflater>(protocol::max_deflate_window_bits, ContextTakeover::no, inflated_);
  }
  return *inflater_;
}

Deflater& Compression::deflater(std::uint8_t window_bits, std::size_t size) {
  if (size <= small_message && window_bits > small_window_bits) {
    if (small_deflater_ == nullptr) {
      auto small = settings(small_window_bits);
      small.memory_level = std::min(small.memory_level, small_memory_level);
      small_deflater_ = std::make_unique<Deflater>(small, ContextTakeover::no, deflated_);
    }
    return *small_deflater_;
  }
  auto& deflater = deflaters_.at(window_bits);
  if (deflater == nullptr) {
    deflater = std::make_unique<Deflater>(settings(window_bits), ContextTakeover::no, deflated_);
  }
  return *deflater;
}

std::unique_ptr<Inflater> Compression::make_inflater(std::uint8_t window_bits) {
  return std::make_unique<Inflater>(window_bits, ContextTakeover::yes, inflated_);
}

std::unique_ptr<Deflater> Compression::make_deflater(std::uint8_t window_bits) {
  return std::make_unique<Deflater>(settings(window_bits), ContextTakeover::yes, deflated_);
}

Deflater::Settings Compression::settings(std::uint8_t window_bits) const {
  return {.window_bits = window_bits, .memory_level = limits_.memory_level, .level = limits_.level};
}

}  // namespace wsd::worker
