// Headers, one after another, each with the payload it declares as far as there is one.

#include <algorithm>
#include <compare>

#include "protocol/close_code.h"
#include "protocol/frame_parser.h"
#include "tests/fuzz/fuzz_input.h"

namespace wsd::fuzz {
namespace {

using protocol::FrameHeader;
using protocol::FrameParser;
using protocol::ProtocolError;

struct Result {
  std::vector<Bytes> headers;  // as they must have stood on the wire
  ProtocolError error = ProtocolError::none;
  bool operator==(const Result&) const = default;
};

Bytes serialize(const FrameHeader& header) {
  Bytes out(protocol::max_client_header_size);
  const auto fin = header.fin ? protocol::Fin::yes : protocol::Fin::no;
  const auto rsv1 = header.rsv1 ? protocol::Rsv1::yes : protocol::Rsv1::no;
  const auto size = protocol::serialize_header(header.opcode, header.payload_length, out.data(), fin, rsv1);
  out[1] |= std::byte{0x80};
  out.resize(size);
  out.insert(out.end(), header.masking_key.begin(), header.masking_key.end());
  return out;
}

void skip(std::span<std::byte>& input, std::uint64_t& payload_left) {
  const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(payload_left, input.size()));
  payload_left -= size;
  input = input.subspan(size);
}

Result parse(Pieces pieces) {
  FrameParser parser;
  Result result;
  std::uint64_t payload_left = 0;
  for (Bytes& piece : pieces) {
    for (std::span<std::byte> input(piece); !input.empty();) {
      skip(input, payload_left);
      const auto step = parser.next(input);
      result.error = parser.error();
      if (step == FrameParser::Step::failed) return result;
      if (step == FrameParser::Step::need_more) continue;
      result.headers.push_back(serialize(parser.header()));
      payload_left = parser.header().payload_length;
    }
  }
  return result;
}

void check_against_wire(const Result& result, std::span<const std::byte> wire) {
  for (const Bytes& header : result.headers) {
    FUZZ_ASSERT(std::ranges::equal(header, wire.first(header.size())));
    FrameParser parser;
    Bytes copy = header;
    std::span<std::byte> input(copy);
    FUZZ_ASSERT(parser.next(input) == FrameParser::Step::header);
    const std::uint64_t frame_size = header.size() + parser.header().payload_length;
    wire = wire.subspan(static_cast<std::size_t>(std::min<std::uint64_t>(frame_size, wire.size())));
  }
}

}  // namespace
}  // namespace wsd::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace wsd::fuzz;
  const Input input(data, size);
  const Result result = same_for_any_chunking(input, parse);
  check_against_wire(result, input.wire);
  FUZZ_ASSERT(result.error == ProtocolError::none ||
              close_code_for(result.error) == wsd::protocol::close_code::protocol_error);
  return 0;
}
