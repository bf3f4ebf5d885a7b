// What the binary before says of the server: whatever the bytes, they are refused or mean the same after another
// journey.

#include "master/master_state.h"
#include "tests/fuzz/fuzz_input.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace wsd;
  const auto state = master::decode_master_state(std::as_bytes(std::span(data, size)));
  if (!state) return 0;
  const auto again = master::decode_master_state(master::encode(*state).bytes());
  FUZZ_ASSERT(again && *again == *state);
  return 0;
}
