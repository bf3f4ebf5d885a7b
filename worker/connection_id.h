// How a connection's id is made: birth slot (8 bits), incarnation of the process (20), counter (36). Never 0, never
// reused while the server lives; a handoff keeps the slot, so the id always tells which slot the connection is at.

#pragma once

#include <wsd/message.h>

#include <cstdint>

namespace wsd::worker {

inline constexpr unsigned slot_shift = 56;
inline constexpr unsigned incarnation_shift = 36;
inline constexpr std::uint64_t incarnation_mask = (std::uint64_t{1} << (slot_shift - incarnation_shift)) - 1;

[[nodiscard]] constexpr std::uint16_t slot_of(ConnectionId id) {
  return static_cast<std::uint16_t>(id >> slot_shift);
}

// What all ids of one process have in common.
[[nodiscard]] constexpr ConnectionId id_base(std::uint16_t slot, std::uint32_t incarnation) {
  return (static_cast<ConnectionId>(slot) << slot_shift) | ((incarnation & incarnation_mask) << incarnation_shift);
}

// No connection of a lower slot has an id that is as high. `slot` may be one beyond the last: then the highest there
// is.
[[nodiscard]] constexpr ConnectionId first_id_of(unsigned slot) {
  constexpr unsigned beyond = 1U << (64 - slot_shift);
  return slot < beyond ? static_cast<ConnectionId>(slot) << slot_shift : ~ConnectionId{0};
}

}  // namespace wsd::worker
