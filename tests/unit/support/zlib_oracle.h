// permessage-deflate by plain zlib, for tests to compare with: what any client does that uses zlib itself.

#pragma once

#include <zlib.h>

#include <array>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>

namespace wsd::test {

// Compresses messages of one connection, with takeover unless reset() is called between them.
class ZlibDeflater {
 public:
  explicit ZlibDeflater(int window_bits = 15, int level = 6, int memory_level = 8, int strategy = Z_DEFAULT_STRATEGY) {
    if (::deflateInit2(&stream_, level, Z_DEFLATED, -window_bits, memory_level, strategy) != Z_OK) std::abort();
  }
  ZlibDeflater(const ZlibDeflater&) = delete;
  ZlibDeflater& operator=(const ZlibDeflater&) = delete;
  ~ZlibDeflater() { ::deflateEnd(&stream_); }

  // Everything that zlib makes of the text up to a flush of this kind.
  std::string feed(std::string_view text, int flush = Z_SYNC_FLUSH) {
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
    stream_.avail_in = static_cast<uInt>(text.size());
    std::string output;
    std::array<char, 4096> room;
    do {
      stream_.next_out = reinterpret_cast<Bytef*>(room.data());
      stream_.avail_out = room.size();
      ::deflate(&stream_, flush);
      output.append(room.data(), room.size() - stream_.avail_out);
    } while (stream_.avail_out == 0);
    return output;
  }
  // RFC 7692 §7.2.1.
  std::string message(std::string_view text) {
    const std::string flushed = feed(text);
    return flushed.ends_with(std::string_view("\0\0\xFF\xFF", 4)) ? flushed.substr(0, flushed.size() - 4) : flushed;
  }
  void reset() { ::deflateReset(&stream_); }

 private:
  z_stream stream_{};
};

// Decompresses messages of one connection, with takeover unless reset() is called between them.
class ZlibInflater {
 public:
  explicit ZlibInflater(int window_bits = 15) {
    if (::inflateInit2(&stream_, -window_bits) != Z_OK) std::abort();
  }
  ZlibInflater(const ZlibInflater&) = delete;
  ZlibInflater& operator=(const ZlibInflater&) = delete;
  ~ZlibInflater() { ::inflateEnd(&stream_); }

  // RFC 7692 §7.2.2; nothing if zlib finds an error, or the end of a stream, before the end of the message.
  std::optional<std::string> message(std::string compressed) {
    compressed.append("\0\0\xFF\xFF", 4);
    stream_.next_in = reinterpret_cast<Bytef*>(compressed.data());
    stream_.avail_in = static_cast<uInt>(compressed.size());
    std::string output;
    std::array<char, 4096> room;
    do {
      stream_.next_out = reinterpret_cast<Bytef*>(room.data());
      stream_.avail_out = room.size();
      const int status = ::inflate(&stream_, Z_SYNC_FLUSH);
      output.append(room.data(), room.size() - stream_.avail_out);
      if (status != Z_OK && status != Z_BUF_ERROR) return std::nullopt;
    } while (stream_.avail_in > 0 || stream_.avail_out == 0);
    return output;
  }
  void reset() { ::inflateReset(&stream_); }

 private:
  z_stream stream_{};
};

// Of `size` bytes; text that compresses about as chat does.
inline std::string chatter(std::size_t size, unsigned seed = 1) {
  static constexpr std::array<std::string_view, 8> words{
      R"({"type":"said","name":")", "hello ", "world ", R"(","text":")", "弹幕 ", R"("},)", "danmaku ", "Alice"};
  std::string text;
  while (text.size() < size) {
    seed = seed * 1103515245 + 12345;
    text += words[seed >> 16U & 7U];
    text += std::to_string(seed >> 20U & 63U);
  }
  // Not inside a character.
  text.resize(size);
  for (std::size_t i = text.size(); i > 0 && static_cast<unsigned char>(text[i - 1]) >= 0x80; --i) text[i - 1] = ' ';
  return text;
}

// Of `size` bytes; as good as random.
inline std::string noise(std::size_t size, unsigned seed = 1) {
  std::string text;
  while (text.size() < size) {
    seed = seed * 1103515245 + 12345;
    text += static_cast<char>(seed >> 16U);
  }
  return text;
}

}  // namespace wsd::test
