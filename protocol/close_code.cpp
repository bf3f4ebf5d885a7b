#include "protocol/close_code.h"

#include <algorithm>
#include <span>

#include "protocol/assertion.h"
#include "protocol/utf8.h"

namespace wsd::protocol {
namespace {

// The longest prefix of valid UTF-8 that fits and does not end inside a character.
std::string_view fitting(std::string_view reason) {
  if (reason.size() <= max_close_reason) return reason;
  std::size_t size = max_close_reason;
  const auto is_continuation = [&] { return (static_cast<unsigned char>(reason[size]) & 0xC0U) == 0x80; };
  while (is_continuation()) --size;
  return reason.substr(0, size);
}

}  // namespace

std::size_t serialize_close(std::optional<std::uint16_t> code, std::string_view reason, std::byte* out) {
  if (!code) return serialize_header(Opcode::close, 0, out);
  WSD_ASSERT(may_be_sent_by_peer(*code));

  if (!is_valid_utf8(std::as_bytes(std::span{reason}))) reason = {};
  reason = fitting(reason);
  std::byte* end = out + serialize_header(Opcode::close, 2 + reason.size(), out);
  *end++ = static_cast<std::byte>(*code >> 8);
  *end++ = static_cast<std::byte>(*code & 0xFF);
  end = std::copy_n(reinterpret_cast<const std::byte*>(reason.data()), reason.size(), end);
  return static_cast<std::size_t>(end - out);
}

}  // namespace wsd::protocol
