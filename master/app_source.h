// What APP on the command line means: a built-in app's name, a module (….so) or a C++ source (….cpp, ….cc, ….cxx).
//
// Decided by the word alone; whether there is such a file is found out when it is read.

#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <string_view>

namespace wsd::master {

enum class AppKind : std::uint8_t { builtin, module, source };

[[nodiscard]] AppKind app_kind(std::string_view app);

// The file that a module or source is, all symbolic links resolved. Throws CommandError(failed) with the reason if
// there is none, and as root also if somebody but root and `user`, who is to run it, could have written it: whoever may
// change the file, or exchange one of the directories above it, would have us run what they like. `verb`: what is done
// with it.
[[nodiscard]] std::string trusted_file(const std::string& path, uid_t user, std::string_view verb = "run");

// Who else may write to something with this owner and mode, as the end of a sentence; empty if nobody but root and
// `user`.
[[nodiscard]] std::string_view stranger_with_write_access(uid_t owner, mode_t mode, uid_t user);

}  // namespace wsd::master
