// The sentences the supervisor writes about its workers: how one ended, and after how long.

#pragma once

#include <string>

#include "master/supervision.h"
#include "master/worker_record.h"

namespace wsd::master {

// "100 ms", "3.2 s", "14 min": as exact as a reader of the log wants it.
[[nodiscard]] std::string in_words(Duration duration);
// "worker of slot 2"
[[nodiscard]] std::string name_of(const WorkerRecord& worker);
// "worker of slot 2 was killed by SIGSEGV after 3.2 s"; with what it said last, if it said something.
[[nodiscard]] std::string obituary(const WorkerRecord& worker, const Exited& exited, TimePoint now);
// "the history of 3 channels that the worker of slot 2 kept is lost (120 messages): …", and what to do about it.
[[nodiscard]] std::string what_is_lost(const WorkerRecord& worker, const HeldHistory& history);
// Why a start or a reload failed: the worker's own last words, else how it ended while starting.
[[nodiscard]] std::string reason_of_failed_start(const WorkerRecord& worker, const Exited& exited,
                                                 const SupervisorSettings& settings);
[[nodiscard]] std::string reason_of_failed_spawn(const WorkerRecord& worker, int error);

// Nobody had asked it to end, or not like that.
[[nodiscard]] bool is_unplanned(const WorkerRecord& worker, ExitStatus status);
// There is no point in bringing the same back at once.
[[nodiscard]] bool could_not_start(const WorkerRecord& worker, ExitStatus status);

}  // namespace wsd::master
