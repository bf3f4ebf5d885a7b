#include "protocol/deflate_stream.h"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <limits>

#include "protocol/assertion.h"
#include "protocol/out_of_memory.h"

namespace wsd::protocol {
namespace {

// §7.2.1, §7.2.2: a sync flush ends in an empty block without compression, and its last four bytes do not travel.
constexpr std::array<std::byte, 4> tail{std::byte{0x00}, std::byte{0x00}, std::byte{0xFF}, std::byte{0xFF}};

// zlib's: "at the end of a block", of one that is not the last, with no bit of the next one read.
constexpr int between_blocks = 128;

void give(z_stream& stream, std::span<const std::byte> input) {
  WSD_ASSERT(input.size() <= std::numeric_limits<uInt>::max());
  stream.next_in = const_cast<Bytef*>(reinterpret_cast<const Bytef*>(input.data()));
  stream.avail_in = static_cast<uInt>(input.size());
}

std::span<std::byte> give_room(z_stream& stream, ScratchBuffer& output, std::size_t most) {
  const auto room = output.room(std::min<std::size_t>(most, std::numeric_limits<uInt>::max()));
  stream.next_out = reinterpret_cast<Bytef*>(room.data());
  stream.avail_out = static_cast<uInt>(room.size());
  return room;
}

// DEFLATE data alone, without zlib's header.
int raw(std::uint8_t window_bits) {
  return -static_cast<int>(window_bits);
}

// What is left when it is not the caller's data: memory, or a mistake of ours.
void check(int status) {
  if (status == Z_MEM_ERROR) out_of_memory();
  WSD_ASSERT(status == Z_OK);
}

}  // namespace

// ---- Inflater -------------------------------------------------------------------------------------------------------

Inflater::Inflater(std::uint8_t window_bits, ContextTakeover takeover, ScratchBuffer& output)
    : output_(output), takeover_(takeover) {
  auto stream = std::make_unique<z_stream>();
  check(::inflateInit2(stream.get(), raw(window_bits)));
  stream_.reset(stream.release());
}

void Inflater::End::operator()(z_stream_s* stream) const {
  ::inflateEnd(stream);
  delete stream;
}

Inflater::Result Inflater::inflate(std::span<const std::byte> compressed, std::uint64_t max_size) {
  output_.clear();
  if (takeover_ == ContextTakeover::no) check(::inflateReset(stream_.get()));
  // §7.2.3.6 spells an empty message as one zero byte. zlib's users who flush twice send none at all.
  if (compressed.empty()) return Result::whole;
  const Result result = run(compressed, max_size);
  // §7.2.3.4: behind a block with BFINAL a peer adds an empty one without, for the tail to complete. Where it forgot to
  // there is nothing that the tail could belong to.
  if (result != Result::whole || final_block_ended_) return result;
  const Result completed = run(tail, max_size);
  if (completed != Result::whole || final_block_ended_) return completed;
  return stream_->data_type == between_blocks ? Result::whole : Result::corrupt;
}

Inflater::Result Inflater::run(std::span<const std::byte> input, std::uint64_t max_size) {
  give(*stream_, input);
  for (;;) {
    // One byte over the limit is enough to know.
    const auto room = give_room(*stream_, output_, static_cast<std::size_t>(max_size + 1 - output_.size()));
    const int status = ::inflate(stream_.get(), Z_SYNC_FLUSH);
    output_.take(room.size() - stream_->avail_out);
    if (output_.size() > max_size) return Result::too_big;
    final_block_ended_ = status == Z_STREAM_END;
    if (final_block_ended_) {
      // What follows is another DEFLATE stream, with the same window. Not by inflateReset() and inflateSetDictionary():
      // a message of a million such blocks of two bytes would copy the window a million times.
      check(::inflateResetKeep(stream_.get()));
      if (stream_->avail_in == 0) return Result::whole;
    } else if (status == Z_MEM_ERROR) {
      out_of_memory();
    } else if (status != Z_OK && status != Z_BUF_ERROR) {
      return Result::corrupt;
    } else if (stream_->avail_in == 0 && stream_->avail_out > 0) {
      return Result::whole;
    }
  }
}

std::vector<std::byte> Inflater::window() const {
  std::vector<std::byte> bytes(std::size_t{1} << max_deflate_window_bits);
  auto size = static_cast<uInt>(bytes.size());
  check(::inflateGetDictionary(stream_.get(), reinterpret_cast<Bytef*>(bytes.data()), &size));
  bytes.resize(size);
  return bytes;
}

void Inflater::restore_window(std::span<const std::byte> window) {
  if (window.empty()) return;
  check(::inflateSetDictionary(stream_.get(), reinterpret_cast<const Bytef*>(window.data()),
                               static_cast<uInt>(window.size())));
}

// ---- Deflater -------------------------------------------------------------------------------------------------------

Deflater::Deflater(const Settings& settings, ContextTakeover takeover, ScratchBuffer& output)
    : output_(output), takeover_(takeover) {
  auto stream = std::make_unique<z_stream>();
  check(::deflateInit2(stream.get(), settings.level, Z_DEFLATED, raw(settings.window_bits), settings.memory_level,
                       Z_DEFAULT_STRATEGY));
  stream_.reset(stream.release());
}

void Deflater::End::operator()(z_stream_s* stream) const {
  ::deflateEnd(stream);
  delete stream;
}

std::optional<std::span<const std::byte>> Deflater::deflate(std::initializer_list<std::string_view> pieces,
                                                            std::size_t size) {
  if (size == 0) return std::nullopt;
  if (takeover_ == ContextTakeover::no || afresh_) check(::deflateReset(stream_.get()));
  afresh_ = false;
  output_.clear();
  // With the tail, which is cut off again, less than the message itself.
  const std::size_t max_size =
      takeover_ == ContextTakeover::no ? size - 1 + tail.size() : std::numeric_limits<std::size_t>::max();
  for (const std::string_view& piece : pieces) {
    const bool is_last = &piece == pieces.end() - 1;
    if (!run(piece, is_last ? Z_SYNC_FLUSH : Z_NO_FLUSH, max_size)) return std::nullopt;
  }
  const auto bytes = output_.bytes();
  WSD_ASSERT(bytes.size() >= tail.size() && std::ranges::equal(bytes.last(tail.size()), tail));
  return bytes.first(bytes.size() - tail.size());
}

// False if the output would come to max_size.
bool Deflater::run(std::string_view piece, int flush, std::size_t max_size) {
  give(*stream_, std::as_bytes(std::span(piece)));
  for (;;) {
    if (output_.size() == max_size) return false;
    const auto room = give_room(*stream_, output_, max_size - output_.size());
    const int status = ::deflate(stream_.get(), flush);
    // Z_BUF_ERROR: there was nothing left to do.
    WSD_ASSERT(status == Z_OK || status == Z_BUF_ERROR);
    output_.take(room.size() - stream_->avail_out);
    if (stream_->avail_out > 0) return true;
  }
}

}  // namespace wsd::protocol
