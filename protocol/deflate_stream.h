// The payloads of compressed messages (RFC 7692 §7.2), by zlib: an Inflater reads them, a Deflater makes them.
//
// Both take a message whole and leave its result in a buffer that others may share, to be read before its next use.
// Without context takeover one of each serves any number of connections, since each message begins afresh; with it a
// stream belongs to one connection. Know neither frames nor UTF-8.

#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "protocol/permessage_deflate.h"
#include "protocol/scratch_buffer.h"

struct z_stream_s;

namespace wsd::protocol {

class Inflater {
 public:
  // `output` outlives it. A window of its own is allocated with the first message.
  Inflater(std::uint8_t window_bits, ContextTakeover takeover, ScratchBuffer& output);

  enum class Result : std::uint8_t {
    whole,    // see message()
    too_big,  // more than max_size: it stopped there, one byte over
    corrupt,  // no DEFLATE data, or its end is missing
  };
  // `compressed`: the payload of all the message's frames. After anything but `whole`, one with takeover is of no use.
  [[nodiscard]] Result inflate(std::span<const std::byte> compressed, std::uint64_t max_size);
  // Valid until `output` is used again.
  [[nodiscard]] std::span<const std::byte> message() const { return output_.bytes(); }
  // The message is not needed any more.
  void release() { output_.clear(); }

  // What messages to come may refer back to: the last bytes of those so far, at most a window. A fresh Inflater that is
  // given them goes on where this one stands, in another process too.
  [[nodiscard]] std::vector<std::byte> window() const;
  void restore_window(std::span<const std::byte> window);

 private:
  struct End {
    void operator()(z_stream_s* stream) const;
  };

  [[nodiscard]] Result run(std::span<const std::byte> input, std::uint64_t max_size);

  std::unique_ptr<z_stream_s, End> stream_;
  ScratchBuffer& output_;
  ContextTakeover takeover_;
  bool final_block_ended_ = false;  // and nothing has come behind it
};

class Deflater {
 public:
  struct Settings {
    std::uint8_t window_bits = max_deflate_window_bits;  // 9 to 15
    std::uint8_t memory_level = 8;                       // 1 to 9, as zlib has it
    std::uint8_t level = 3;                              // 1 to 9, likewise
  };

  // `output` outlives it.
  Deflater(const Settings& settings, ContextTakeover takeover, ScratchBuffer& output);

  // One message, gathered from pieces of `size` bytes together. The result is valid until `output` is used again.
  // Nothing: it is to be sent as it is. So is an empty message, and without takeover one that would not get smaller;
  // with takeover any other is compressed, since it has become part of the window.
  [[nodiscard]] std::optional<std::span<const std::byte>> deflate(std::initializer_list<std::string_view> pieces,
                                                                  std::size_t size);

  // With takeover: the next message refers to nothing before it. For when others may not have seen all of that.
  void start_afresh() { afresh_ = true; }

 private:
  struct End {
    void operator()(z_stream_s* stream) const;
  };

  [[nodiscard]] bool run(std::string_view piece, int flush, std::size_t max_size);

  std::unique_ptr<z_stream_s, End> stream_;
  ScratchBuffer& output_;
  ContextTakeover takeover_;
  bool afresh_ = false;
};

}  // namespace wsd::protocol
