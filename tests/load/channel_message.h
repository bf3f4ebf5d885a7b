#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "tests/load/clock.h"

namespace wsd::load {

// What a publisher says: "PUBLISHER:NUMBER:NANOSECONDS:" and a filling that depends on the number, in quotes: a JSON
// text, so that it may come as an element of a batch's array too.
struct ChannelMessage {
  std::uint32_t publisher = 0;  // 0, 1, …
  std::uint64_t number = 0;     // of its messages to the channel, from 1 on; 0: one of the probes before them
  Clock::time_point sent_at;
  std::size_t size = 0;  // with the quotes; larger where that is too small for what must be said
};

[[nodiscard]] std::string to_text(const ChannelMessage& message);

// Takes the message at the front of `text`. Nothing, and `text` as it was, if there is no whole and proper one.
[[nodiscard]] std::optional<ChannelMessage> take_message(std::string_view& text);

}  // namespace wsd::load
