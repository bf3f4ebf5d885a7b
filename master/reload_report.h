// What a reload did, for the person who asked for it.

#pragma once

#include <cstdint>
#include <string>

#include "master/supervision.h"

namespace wsd::master {

struct ReloadReport {
  Generation generation = 0;
  unsigned workers = 0;
  std::uint64_t connections_kept = 0;
  std::uint64_t draining = 0;  // connections of retired slots, which are asked to come again
  Duration longest_pause{};    // of one slot: from the last thing its old worker did to the first its new one did

  // One slot has moved.
  void count(const TookOver& event);
};

// "generation 7: 4 workers, 81234 connections kept, 0 draining, longest pause 38 ms"
[[nodiscard]] std::string to_text(const ReloadReport& report);
[[nodiscard]] std::string to_json(const ReloadReport& report);

// "slot 2: 20311 connections kept, pause 9.4 ms"
[[nodiscard]] std::string progress_text(Slot slot, const TookOver& event);

}  // namespace wsd::master
