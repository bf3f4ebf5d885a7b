// Compressed messages against zlib as the RFC tells to use it: byte by byte, with the window carried over by hand. The
// input is messages, each behind its length in two bytes. The option's lowest bit says whether they share a window, the
// next ones choose a limit and how what came out is compressed again.

#include <zlib.h>

#include <array>
#include <optional>

#include "protocol/deflate_stream.h"
#include "tests/fuzz/fuzz_input.h"

namespace wsd::fuzz {
namespace {

using protocol::ContextTakeover;
using protocol::Deflater;
using protocol::Inflater;

// RFC 7692 §7.2.2. A block with BFINAL ends a DEFLATE stream; another follows with the same window.
class Oracle {
 public:
  Oracle() { FUZZ_ASSERT(::inflateInit2(&stream_, -15) == Z_OK); }
  Oracle(const Oracle&) = delete;
  Oracle& operator=(const Oracle&) = delete;
  ~Oracle() { ::inflateEnd(&stream_); }

  void reset() { ::inflateReset(&stream_); }

  // Nothing if it is corrupt, or larger than `limit`, which is then in too_big().
  std::optional<Bytes> message(std::span<const std::byte> compressed, std::size_t limit) {
    too_big_ = false;
    Bytes output;
    if (compressed.empty()) return output;
    bool ended = false;
    for (const std::byte byte : compressed) {
      if (!take(byte, output, limit, ended)) return std::nullopt;
    }
    if (ended) return output;
    for (const int byte : {0x00, 0x00, 0xFF, 0xFF}) {
      if (!take(static_cast<std::byte>(byte), output, limit, ended)) return std::nullopt;
    }
    if (!ended && stream_.data_type != 128) return std::nullopt;
    return output;
  }
  [[nodiscard]] bool too_big() const { return too_big_; }

 private:
  bool take(std::byte byte, Bytes& output, std::size_t limit, bool& ended) {
    ended = false;
    stream_.next_in = reinterpret_cast<Bytef*>(&byte);
    stream_.avail_in = 1;
    std::array<std::byte, 700> room;
    do {
      stream_.next_out = reinterpret_cast<Bytef*>(room.data());
      stream_.avail_out = room.size();
      const int status = ::inflate(&stream_, Z_SYNC_FLUSH);
      output.insert(output.end(), room.begin(), room.end() - stream_.avail_out);
      too_big_ = output.size() > limit;
      if (too_big_) return false;
      if (status == Z_STREAM_END) {
        begin_another_stream();
        ended = true;
      } else if (status != Z_OK && status != Z_BUF_ERROR) {
        return false;
      }
    } while (stream_.avail_out == 0 || (stream_.avail_in > 0 && ended));
    FUZZ_ASSERT(stream_.avail_in == 0);
    return true;
  }

  void begin_another_stream() {
    std::array<Bytef, 32768> window;
    uInt size = window.size();
    const auto left = stream_.avail_in;
    FUZZ_ASSERT(::inflateGetDictionary(&stream_, window.data(), &size) == Z_OK);
    FUZZ_ASSERT(::inflateReset(&stream_) == Z_OK);
    if (size > 0) FUZZ_ASSERT(::inflateSetDictionary(&stream_, window.data(), size) == Z_OK);
    FUZZ_ASSERT(left == stream_.avail_in);
  }

  z_stream stream_{};
  bool too_big_ = false;
};

std::string_view as_text(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

Bytes take_message(std::span<const std::byte>& wire) {
  if (wire.size() < 2) {
    wire = {};
    return {};
  }
  const auto size = std::min<std::size_t>(static_cast<std::size_t>(wire[0]) << 8U | static_cast<std::size_t>(wire[1]),
                                          wire.size() - 2);
  const auto message = wire.subspan(2, size);
  wire = wire.subspan(2 + size);
  return {message.begin(), message.end()};
}

void check(const Input& input) {
  constexpr std::size_t limits[] = {1 << 20, 0, 100, 20'000};
  const auto takeover = (input.option & 1U) != 0 ? ContextTakeover::yes : ContextTakeover::no;
  const std::size_t limit = limits[input.option >> 1U & 3U];
  protocol::ScratchBuffer inflated;
  protocol::ScratchBuffer deflated;
  protocol::ScratchBuffer again;
  Inflater inflater(15, takeover, inflated);
  Inflater reader(15, takeover, again);
  Deflater deflater({.window_bits = static_cast<std::uint8_t>(9 + (input.option >> 3U) % 7),
                     .memory_level = static_cast<std::uint8_t>(1 + input.seed % 9),
                     .level = static_cast<std::uint8_t>(1 + input.seed / 9 % 9)},
                    takeover, deflated);
  Oracle oracle;
  for (auto wire = input.wire; !wire.empty();) {
    const Bytes compressed = take_message(wire);
    if (takeover == ContextTakeover::no) oracle.reset();
    const auto expected = oracle.message(compressed, limit);
    const auto result = inflater.inflate(compressed, limit);
    FUZZ_ASSERT((result == Inflater::Result::whole) == expected.has_value());
    FUZZ_ASSERT((result == Inflater::Result::too_big) == oracle.too_big());
    FUZZ_ASSERT(inflated.size() <= limit + 1);
    if (!expected) {
      if (takeover == ContextTakeover::yes) return;
      continue;
    }
    FUZZ_ASSERT(std::ranges::equal(inflater.message(), *expected));

    // What we make of it others read, and it is never larger unless it must be.
    const auto text = as_text(*expected);
    const auto ours = deflater.deflate({text.substr(0, text.size() / 2), text.substr(text.size() / 2)}, text.size());
    if (!ours) continue;
    FUZZ_ASSERT(takeover == ContextTakeover::yes || ours->size() < text.size());
    FUZZ_ASSERT(reader.inflate(*ours, limit) == Inflater::Result::whole);
    FUZZ_ASSERT(std::ranges::equal(reader.message(), *expected));
  }
}

}  // namespace
}  // namespace wsd::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  wsd::fuzz::check(wsd::fuzz::Input(data, size));
  return 0;
}
