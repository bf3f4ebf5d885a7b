#include "worker/record_stream.h"

#include <cstring>

namespace wsd::worker {

namespace {

using Length = std::uint32_t;

}  // namespace

void append_record(std::vector<std::byte>& stream, std::span<const std::byte> record) {
  const auto length = static_cast<Length>(record.size());
  const auto header = std::as_bytes(std::span(&length, 1));
  stream.insert(stream.end(), header.begin(), header.end());
  stream.insert(stream.end(), record.begin(), record.end());
}

std::uint32_t next_record_size(std::span<const std::byte> stream) {
  Length length = 0;
  if (stream.size() >= sizeof(length)) std::memcpy(&length, stream.data(), sizeof(length));
  return length;
}

std::optional<std::span<const std::byte>> take_record(std::span<const std::byte>& stream) {
  const std::size_t length = next_record_size(stream);
  if (stream.size() < sizeof(Length) || stream.size() - sizeof(Length) < length) return std::nullopt;
  const auto record = stream.subspan(sizeof(Length), length);
  stream = stream.subspan(sizeof(Length) + length);
  return record;
}

}  // namespace wsd::worker
