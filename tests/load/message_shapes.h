#pragma once

#include <cstddef>
#include <cstdint>
#include <random>
#include <string>
#include <string_view>

#include "tests/load/outbox.h"

namespace wsd::load {

// The shapes in which a client may send one and the same message.

void add_whole(Outbox& outbox, std::uint8_t opcode, std::string_view message);

// Cut somewhere, in the header as often as in the payload; the rest follows 100 ms later.
void add_in_halves(Outbox& outbox, std::uint8_t opcode, std::string_view message, std::mt19937& random);

// In two to six frames with pauses between them; before each but the first a ping that carries what `next_ping` says.
void add_fragments(Outbox& outbox, std::uint8_t opcode, std::string_view message, std::mt19937& random,
                   const std::function<std::string()>& next_ping = {});

// A few bytes at a time: for the opening handshake.
void add_trickling(Outbox& outbox, std::string_view bytes, std::size_t pieces, Clock::duration pause);

}  // namespace wsd::load
