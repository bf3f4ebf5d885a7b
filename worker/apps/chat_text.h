// What people type and what addresses carry: characters instead of bytes, names, and the room that a path means.
//
// Pure functions. "Characters" are Unicode's code points.

#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace wsd::chat {

inline constexpr std::size_t max_name = 32;        // characters
inline constexpr std::size_t max_room_bytes = 64;  // of UTF-8

// The characters of `text`; nothing if it is no UTF-8 (RFC 3629).
[[nodiscard]] std::optional<std::u32string> characters(std::string_view text);

// `text` without white space around it, if that is a name: 1 to max_name characters, at least one of which shows, and
// none that controls the ones around it (line ends, writing direction) or takes no room.
[[nodiscard]] std::optional<std::string> name_from(std::string_view text);

// Whether somebody may say this: it has something to read, and no control characters but line feeds and tabs.
[[nodiscard]] bool may_be_said(std::u32string_view text);

// The room of a request's path, percent-encoding undone: of "/chat/ROOM" and "/danmaku/ROOM", be the app what it may;
// "/" means "lobby". Nothing if it is no path of a room. A room's name has 1 to 64 bytes: ASCII letters, digits, '-',
// '_', '.', and whatever shows beyond ASCII; it is neither "." nor "..", which browsers take for folders.
[[nodiscard]] std::optional<std::string> room_of(std::string_view path);

// The value of the first parameter of this name in a request's query, as a form encodes it ("name=A+%26+B").
[[nodiscard]] std::optional<std::string> query_parameter(std::string_view query, std::string_view name);

}  // namespace wsd::chat
