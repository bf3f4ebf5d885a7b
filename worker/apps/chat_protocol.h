// The messages of docs/chat-protocol.md: those of clients are read, those of the server are written. Pure functions.

#pragma once

#include <wsd/channel.h>
#include <wsd/message.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <variant>

namespace wsd::chat {

// What an error message has for its code.
enum class Problem : std::uint8_t {
  bad_message,
  not_joined,
  name_invalid,
  name_taken,
  text_invalid,
  text_too_long,
  too_fast,
  no_such_member,
};

[[nodiscard]] std::string_view to_string(Problem problem);

struct Fault {
  Problem problem;
  std::string sentence;  // for the person who reads it
};

// ---- from a client

// How a comment looks on a danmaku wall.
struct Look {
  std::string color = "#ffffff";
  std::string position = "scroll";
};

struct Join {
  std::string name;  // trimmed
};
struct Say {
  std::string text;
  Look look;
};
struct Tell {
  ConnectionId to;
  std::string text;
};
struct AskMembers {};
struct Leave {};

using ClientMessage = std::variant<Fault, Join, Say, Tell, AskMembers, Leave>;

struct Rules {
  std::size_t max_text = 1000;  // characters
  bool has_looks = false;       // danmaku: `color` and `position` mean something
};

[[nodiscard]] ClientMessage parse(std::string_view json, const Rules& rules);
// A name that came by another way than a message: a Join or a Fault.
[[nodiscard]] ClientMessage join_as(std::string_view name);

// ---- from the server

// Rooms with more members are crowds: nobody is told who comes and goes.
inline constexpr std::size_t max_listed = 200;

// Somebody who says something.
using Speaker = Member;

[[nodiscard]] std::string welcome(const Member& self, std::string_view room, const Subscription& subscription);
[[nodiscard]] std::string joined(const Member& member, std::size_t count);
[[nodiscard]] std::string left(const Member& member, std::size_t count);
// To the one who left, who has no business with the room's count any more.
[[nodiscard]] std::string left(const Member& member);
// A crowd is not listed.
[[nodiscard]] std::string members(std::span<const Member> members);
[[nodiscard]] std::string count(std::size_t count);
// `look` may be null. `time_ms`: since 1970, in UTC.
[[nodiscard]] std::string said(const Speaker& speaker, std::string_view text, const Look* look, std::int64_t time_ms);
[[nodiscard]] std::string told(const Speaker& speaker, std::string_view text, std::int64_t time_ms);
[[nodiscard]] std::string told_receipt(const Speaker& speaker, std::string_view text, std::int64_t time_ms,
                                       ConnectionId to);
[[nodiscard]] std::string error(const Fault& fault);

}  // namespace wsd::chat
