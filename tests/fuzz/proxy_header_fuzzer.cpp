// A connection's first bytes where a PROXY header is expected, and the client that comes out of it.

#include <string>

#include "protocol/proxy_header.h"
#include "tests/fuzz/fuzz_input.h"

namespace wsd::fuzz {
namespace {

using protocol::IpAddress;
using protocol::ProxyHeaderParser;

struct Result {
  ProxyHeaderParser::Step step = ProxyHeaderParser::Step::need_more;
  std::string source;
  std::size_t left = 0;  // bytes behind the header
  bool operator==(const Result&) const = default;
};

Result receive(const Pieces& pieces) {
  ProxyHeaderParser parser;
  Result result;
  for (const Bytes& piece : pieces) {
    std::span<const std::byte> input(piece);
    if (result.step != ProxyHeaderParser::Step::complete) result.step = parser.next(input);
    if (result.step == ProxyHeaderParser::Step::failed) return result;
    FUZZ_ASSERT(result.step == ProxyHeaderParser::Step::complete || input.empty());
    FUZZ_ASSERT(parser.unfinished_input().size() <= ProxyHeaderParser::max_size_v2);
    result.left += input.size();
  }
  if (parser.source()) result.source = parser.source()->to_string();
  return result;
}

}  // namespace
}  // namespace wsd::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace wsd::fuzz;
  const Input input(data, size);
  const Result result = same_for_any_chunking(input, receive);
  if (result.step != ProxyHeaderParser::Step::complete) {
    FUZZ_ASSERT(result.source.empty());
    return 0;
  }
  const std::size_t header = input.wire.size() - result.left;
  FUZZ_ASSERT(header <= ProxyHeaderParser::max_size_v2);
  // A byte less is no header yet; a byte more changes nothing.
  FUZZ_ASSERT(receive(whole(input.wire.first(header - 1))).step == ProxyHeaderParser::Step::need_more);
  FUZZ_ASSERT(receive(whole(input.wire.first(header))).source == result.source);
  if (!result.source.empty()) FUZZ_ASSERT(IpAddress::parse(result.source)->to_string() == result.source);
  return 0;
}
