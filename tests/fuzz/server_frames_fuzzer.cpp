// What a server sends, as wsbench reads it: the messages and the verdict do not depend on how it arrives, and every
// byte that is taken for payload was there.

#include <algorithm>
#include <string_view>
#include <utility>

#include "tests/fuzz/fuzz_input.h"
#include "tests/wsbench/frame_reader.h"

namespace wsd::fuzz {
namespace {

using bench::FrameReader;

struct Result {
  std::vector<std::pair<protocol::Opcode, Bytes>> payloads;  // of whole messages
  std::string_view problem;
  bool operator==(const Result&) const = default;
};

Result read(Pieces pieces, bool may_be_compressed) {
  FrameReader reader;
  if (may_be_compressed) reader.allow_compression();
  Result result;
  Bytes data, control;
  for (const Bytes& bytes : pieces) {
    FrameReader::Piece piece;
    for (std::span<const std::byte> input(bytes);;) {
      const auto step = reader.next(input, piece);
      result.problem = reader.problem();
      if (step == FrameReader::Step::failed) return result;
      if (step == FrameReader::Step::need_more) break;
      Bytes& payload = is_control(piece.opcode) ? control : data;
      payload.insert(payload.end(), piece.bytes.begin(), piece.bytes.end());
      FUZZ_ASSERT(!is_control(piece.opcode) || payload.size() <= protocol::max_control_payload);
      if (!piece.ends_message) continue;
      result.payloads.emplace_back(piece.opcode, std::exchange(payload, {}));
    }
  }
  return result;
}

}  // namespace
}  // namespace wsd::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace wsd::fuzz;
  const Input input(data, size);
  const Result result =
      same_for_any_chunking(input, [&](Pieces pieces) { return read(std::move(pieces), (input.option & 1U) != 0); });
  std::size_t payload = 0;
  for (const auto& [opcode, bytes] : result.payloads) payload += bytes.size();
  FUZZ_ASSERT(payload <= input.wire.size());
  return 0;
}
