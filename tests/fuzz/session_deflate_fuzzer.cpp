// A session that permessage-deflate was agreed on for (session_life.h). The option's low four bits say when to close,
// the next one whether the client takes its context over; the others choose a limit.

#include "tests/fuzz/session_life.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace wsd::fuzz;
  const Input input(data, size);
  check_session(input, {.max_message_size = limit_of(input.option >> 5U),
                        .events_before_close_sent = static_cast<std::size_t>(input.option & 0x0F),
                        .deflate = (input.option & 0x10) != 0 ? ContextTakeover::yes : ContextTakeover::no});
  return 0;
}
