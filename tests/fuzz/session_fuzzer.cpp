// A session without extensions (session_life.h). The option's low five bits say when to close; the others choose a
// limit.

#include "tests/fuzz/session_life.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace wsd::fuzz;
  const Input input(data, size);
  check_session(input, {.max_message_size = limit_of(input.option >> 5U),
                        .events_before_close_sent = static_cast<std::size_t>(input.option & 0x1F)});
  return 0;
}
