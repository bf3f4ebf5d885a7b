// The answer to wsbench's opening handshake: whatever a server says there, it is agreed to or refused with a sentence.

#include <stdexcept>
#include <string>
#include <string_view>

#include "tests/fuzz/fuzz_input.h"
#include "tests/wsbench/client_deflate.h"
#include "tests/wsbench/handshake.h"

namespace wsd::fuzz {
namespace {

constexpr bench::HandshakeKey key{'d', 'G', 'h', 'l', 'I', 'H', 'N', 'h', 'b', 'X', 'B', 's',
                                  'Z', 'S', 'B', 'u', 'b', '2', '5', 'j', 'Z', 'Q', '=', '='};  // RFC 6455 §1.3

void read(std::string_view head, protocol::ContextTakeover takeover) {
  const auto problem = bench::problem_with_response(head, key);
  FUZZ_ASSERT(!problem || !problem->empty());
  FUZZ_ASSERT(problem || head.find("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=") != std::string_view::npos);
  const std::string_view subprotocol = bench::field(head, "Sec-WebSocket-Protocol");
  FUZZ_ASSERT(bench::problem_with_subprotocol(head, {}).has_value() == !subprotocol.empty());
  try {
    const auto agreed = bench::agreed_deflate(bench::field(head, "Sec-WebSocket-Extensions"), takeover);
    // What was not offered is not agreed to.
    FUZZ_ASSERT(takeover == protocol::ContextTakeover::yes || agreed.server_takeover == protocol::ContextTakeover::no);
  } catch (const std::invalid_argument& refused) {
    FUZZ_ASSERT(!std::string_view(refused.what()).empty());
  }
}

}  // namespace
}  // namespace wsd::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace wsd;
  const fuzz::Input input(data, size);
  const std::string head(reinterpret_cast<const char*>(input.wire.data()), input.wire.size());
  fuzz::read(head, (input.option & 1U) != 0 ? protocol::ContextTakeover::yes : protocol::ContextTakeover::no);
  return 0;
}
