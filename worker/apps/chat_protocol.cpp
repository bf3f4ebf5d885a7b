#include "worker/apps/chat_protocol.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>

#include "protocol/json_reader.h"
#include "protocol/json_writer.h"
#include "worker/apps/chat_text.h"

namespace wsd::chat {

namespace {

using protocol::JsonReader;
using protocol::JsonWriter;

// ---- reading

Fault bad_message(std::string sentence) {
  return {Problem::bad_message, std::move(sentence)};
}

Fault complaint_of(const JsonReader& json) {
  return bad_message("Byte " + std::to_string(json.error()->position) + ": " + json.error()->text);
}

std::optional<Fault> check_text(std::string_view text, const Rules& rules) {
  const Fault too_long{Problem::text_too_long, "A text may have " + std::to_string(rules.max_text) + " characters."};
  if (text.size() > 4 * rules.max_text) return too_long;
  const auto all = characters(text);
  if (!all || !may_be_said(*all)) {
    return Fault{Problem::text_invalid, "A text has something to read in it, and no control characters."};
  }
  return all->size() > rules.max_text ? std::optional(too_long) : std::nullopt;
}

bool is_color(std::string_view text) {
  const auto is_digit = [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
  };
  return text.size() == 7 && text[0] == '#' && std::ranges::all_of(text.substr(1), is_digit);
}

// 0, which is no connection, for what is no id.
ConnectionId id_from(std::string_view text) {
  ConnectionId id = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), id);
  return error == std::errc() && end == text.data() + text.size() ? id : 0;
}

Look look_from(JsonReader& json) {
  Look look;
  if (const auto color = json.string("color")) look.color = *color;
  if (const auto position = json.string("position")) look.position = *position;
  if (!is_color(look.color)) json.refuse("color", "A color is \"#rrggbb\".");
  if (look.position != "scroll" && look.position != "top" && look.position != "bottom") {
    json.refuse("position", "A position is \"scroll\", \"top\" or \"bottom\".");
  }
  return look;
}

ClientMessage parse_join(JsonReader& json) {
  const auto name = json.string("name");
  if (!name) return bad_message("A \"join\" has a \"name\".");
  return join_as(*name);
}

ClientMessage parse_say(JsonReader& json, const Rules& rules) {
  const auto text = json.string("text");
  if (!text) return bad_message("A \"say\" has a \"text\".");
  Look look = rules.has_looks ? look_from(json) : Look{};
  if (auto fault = check_text(*text, rules)) return *std::move(fault);
  return Say{std::string(*text), std::move(look)};
}

ClientMessage parse_tell(JsonReader& json, const Rules& rules) {
  const auto to = json.string("to");
  const auto text = json.string("text");
  if (!to || !text) return bad_message("A \"tell\" has a \"to\" and a \"text\".");
  if (auto fault = check_text(*text, rules)) return *std::move(fault);
  return Tell{id_from(*to), std::string(*text)};
}

ClientMessage parse_known(JsonReader& json, const Rules& rules) {
  const auto type = json.string("type");
  if (type == "join") return parse_join(json);
  if (type == "say") return parse_say(json, rules);
  if (type == "tell") return parse_tell(json, rules);
  if (type == "members") return AskMembers{};
  if (type == "leave") return Leave{};
  return bad_message("The \"type\" is one of join, say, tell, members and leave.");
}

// ---- writing

// One object with its type, closed when it is taken.
class ServerMessage {
 public:
  explicit ServerMessage(std::string_view type) {
    json_.begin_object();
    json_.field("type", type);
  }

  template <typename T>
  ServerMessage& with(std::string_view name, const T& content) {
    json_.field(name, content);
    return *this;
  }
  ServerMessage& with(const Member& member) { return with("id", std::to_string(member.id)).with("name", member.name); }
  ServerMessage& with_members(std::span<const Member> members, std::size_t count) {
    with("count", count);
    if (count > max_listed) return *this;
    json_.key("members");
    json_.begin_array();
    for (const Member& member : members) {
      json_.begin_object();
      with(member);
      json_.end_object();
    }
    json_.end_array();
    return *this;
  }
  ServerMessage& with_history(std::span<const PastMessage> history) {
    json_.key("history");
    json_.begin_array();
    for (const PastMessage& message : history) {
      // Another program may have published to the room what is no message of ours.
      if (message.type == MessageType::text && !JsonReader(message.data).error()) json_.raw(message.data);
    }
    json_.end_array();
    return *this;
  }

  std::string take() {
    json_.end_object();
    return json_.take();
  }

 private:
  JsonWriter json_;
};

ServerMessage told_message(const Speaker& speaker, std::string_view text, std::int64_t time_ms) {
  ServerMessage message("told");
  message.with(speaker).with("text", text).with("time", time_ms);
  return message;
}

}  // namespace

std::string_view to_string(Problem problem) {
  switch (problem) {
    case Problem::bad_message:
      return "bad_message";
    case Problem::not_joined:
      return "not_joined";
    case Problem::name_invalid:
      return "name_invalid";
    case Problem::name_taken:
      return "name_taken";
    case Problem::text_invalid:
      return "text_invalid";
    case Problem::text_too_long:
      return "text_too_long";
    case Problem::too_fast:
      return "too_fast";
    case Problem::no_such_member:
      return "no_such_member";
  }
  return "";
}

ClientMessage parse(std::string_view json, const Rules& rules) {
  JsonReader reader(json);
  ClientMessage message = parse_known(reader, rules);
  if (reader.error()) return complaint_of(reader);
  return message;
}

ClientMessage join_as(std::string_view name) {
  auto proper = name_from(name);
  if (!proper) return Fault{Problem::name_invalid, "A name has 1 to 32 characters, all of which show."};
  return Join{*std::move(proper)};
}

std::string welcome(const Member& self, std::string_view room, const Subscription& subscription) {
  ServerMessage message("welcome");
  message.with("id", std::to_string(self.id)).with("room", room).with("name", self.name);
  message.with_members(subscription.members, subscription.member_count).with_history(subscription.history);
  if (subscription.history_lost) message.with("history_lost", true);
  return message.take();
}

std::string joined(const Member& member, std::size_t count) {
  return ServerMessage("joined").with(member).with("count", count).take();
}

std::string left(const Member& member, std::size_t count) {
  return ServerMessage("left").with(member).with("count", count).take();
}

std::string left(const Member& member) {
  return ServerMessage("left").with(member).take();
}

std::string members(std::span<const Member> members) {
  return ServerMessage("members").with_members(members, members.size()).take();
}

std::string count(std::size_t count) {
  return ServerMessage("count").with("count", count).take();
}

std::string said(const Speaker& speaker, std::string_view text, const Look* look, std::int64_t time_ms) {
  ServerMessage message("said");
  message.with(speaker).with("text", text).with("time", time_ms);
  if (look != nullptr) message.with("color", look->color).with("position", look->position);
  return message.take();
}

std::string told(const Speaker& speaker, std::string_view text, std::int64_t time_ms) {
  return told_message(speaker, text, time_ms).take();
}

std::string told_receipt(const Speaker& speaker, std::string_view text, std::int64_t time_ms, ConnectionId to) {
  return told_message(speaker, text, time_ms).with("to", std::to_string(to)).take();
}

std::string error(const Fault& fault) {
  return ServerMessage("error").with("code", to_string(fault.problem)).with("message", fault.sentence).take();
}

}  // namespace wsd::chat
