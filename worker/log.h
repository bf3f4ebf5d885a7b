// The log: one line per event, one O_APPEND write(2) per line, nothing buffered and no thread.
//
//   2026-11-23 16:12:01.123 info  master[123]: text
//   2026-11-23 16:12:01.456 warn  worker 2[124]: text
//
// or, as JSON:
//
//   {"time":"2026-11-23T16:12:01.456Z","level":"warning","role":"worker","worker":2,"pid":124,"message":"text"}
//
// A process has one log, which the master opens before it forks; workers inherit the descriptor. A line that cannot be
// written (full disk, closed pipe) is dropped and counted, never waited for and never an error for the caller; the
// first write that works again is preceded by a line that says how many were lost.
//
// Whatever is logged stays one printable line: control characters and bytes that are no UTF-8 are escaped on the way.
// What a client can cause is logged by stranger(), which bounds how much of it there is.

#pragma once

#include <fmt/format.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "worker/file_descriptor.h"

namespace wsd::log {

enum class Level : std::uint8_t { debug, info, warning, error };

[[nodiscard]] std::string_view to_string(Level level);                 // "debug", "info", "warning", "error"
[[nodiscard]] std::optional<Level> level_from(std::string_view text);  // also "warn"

enum class Format : std::uint8_t { text, json };

// Opens a log file: created 0640, appended to, never through a symbolic link, never anything but a regular file or a
// character device. Throws std::system_error or std::runtime_error with a sentence that names the file.
[[nodiscard]] worker::FileDescriptor open_file(const std::string& path);

// The file that is behind the descriptor `target` is `file` from now on, for whoever uses that number. False, with the
// old one still there, if the kernel refuses.
[[nodiscard]] bool replace_file(int target, int file);

// From now on lines go to `fd` (standard error until then). The log does not own it: whoever opened it keeps it open,
// or calls use() with another one first.
void use(int fd);
[[nodiscard]] int fd();

void set_level(Level level);
[[nodiscard]] bool enabled(Level level);

void set_format(Format format);
[[nodiscard]] Format format();

// Who is speaking: "master", or "worker" and its slot. Called again after each fork, since it also takes the process
// id, and forgets what the process before it has still to tell.
void set_role(std::string_view role, std::optional<unsigned> slot = std::nullopt);

// Lines of this process that were dropped and not yet reported in the log itself.
[[nodiscard]] std::uint64_t lost_lines();
// All that it dropped.
[[nodiscard]] std::uint64_t all_lost_lines();

void write(Level level, std::string_view text) noexcept;

template <typename... Args>
void debug(fmt::format_string<Args...> format, Args&&... args) {
  if (enabled(Level::debug)) write(Level::debug, fmt::format(format, std::forward<Args>(args)...));
}
template <typename... Args>
void info(fmt::format_string<Args...> format, Args&&... args) {
  if (enabled(Level::info)) write(Level::info, fmt::format(format, std::forward<Args>(args)...));
}
template <typename... Args>
void warning(fmt::format_string<Args...> format, Args&&... args) {
  if (enabled(Level::warning)) write(Level::warning, fmt::format(format, std::forward<Args>(args)...));
}
template <typename... Args>
void error(fmt::format_string<Args...> format, Args&&... args) {
  write(Level::error, fmt::format(format, std::forward<Args>(args)...));
}

// A line that strangers can cause as often as they like. Of each kind so many are written (worker/line_rate.h); the
// rest is counted, and tell_held_back() says so. `kind`: what it is about, in a few words of ours.
[[nodiscard]] bool has_room_for(Level level, std::string_view kind);
template <typename... Args>
void stranger(Level level, std::string_view kind, fmt::format_string<Args...> format, Args&&... args) {
  if (has_room_for(level, kind)) write(level, fmt::format(format, std::forward<Args>(args)...));
}
// "…: 12 more like this were not logged", for the kinds that are due. Now and then, from the process's loop.
void tell_held_back();
// For all of them: at its end.
void tell_all_held_back();

// "2026-11-23T16:12:01.456Z" (RFC 3339).
[[nodiscard]] std::string rfc3339(std::chrono::system_clock::time_point time);

// Makes text of strangers printable: \n \r \t \e, \xNN for other control characters (C1 ones too) and for bytes that
// are no UTF-8. A backslash stays as it is, so that escaping twice changes nothing.
[[nodiscard]] std::string escape(std::string_view text);

}  // namespace wsd::log
