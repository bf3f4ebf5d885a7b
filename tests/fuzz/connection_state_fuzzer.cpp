// What another worker says of a connection: whatever the bytes, they are refused or mean the same after another
// journey.

#include "tests/fuzz/fuzz_input.h"
#include "worker/connection_state.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace wsd;
  const auto state = worker::decode_connection(std::as_bytes(std::span(data, size)));
  if (!state) return 0;
  FUZZ_ASSERT(state->id != 0);
  const auto again = worker::decode_connection(worker::encode(*state).bytes());
  FUZZ_ASSERT(again && *again == *state);
  return 0;
}
