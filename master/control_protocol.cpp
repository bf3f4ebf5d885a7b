#include "master/control_protocol.h"

#include <fmt/format.h>
#include <simdjson.h>

#include <array>
#include <charconv>
#include <optional>
#include <utility>

#include "protocol/json_writer.h"
#include "protocol/printable_text.h"

namespace wsd::master {

namespace {

using simdjson::dom::element;
using simdjson::dom::object;

constexpr std::array<std::string_view, 8> command_names{"status",  "options", "stop",   "reload",
                                                        "upgrade", "publish", "reopen", "connections"};

std::optional<ControlCommand> command_from(std::string_view name) {
  for (std::size_t i = 0; i < command_names.size(); ++i) {
    if (command_names[i] == name) return static_cast<ControlCommand>(i);
  }
  return std::nullopt;
}

// An absent member leaves `value` as it is. False if it is there and of another type.
template <typename T>
bool take_member(const object& from, std::string_view name, T& value) {
  element member;
  if (from.at_key(name).get(member) != simdjson::SUCCESS) return true;
  return member.get(value) == simdjson::SUCCESS;
}

bool take_json_text(const object& from, std::string_view name, std::string& text) {
  object member;
  if (!take_member(from, name, member)) return false;
  element present;
  if (from.at_key(name).get(present) == simdjson::SUCCESS) text = simdjson::minify(present);
  return true;
}

std::string to_hex(std::string_view bytes) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string hex;
  hex.reserve(2 * bytes.size());
  for (const char byte : bytes) {
    hex += digits[static_cast<unsigned char>(byte) >> 4U];
    hex += digits[static_cast<unsigned char>(byte) & 0xFU];
  }
  return hex;
}

std::optional<std::string> from_hex(std::string_view hex) {
  std::string bytes;
  for (; !hex.empty(); hex.remove_prefix(2)) {
    if (hex.size() < 2) return std::nullopt;
    unsigned byte = 0;
    const auto [rest, error] = std::from_chars(hex.data(), hex.data() + 2, byte, 16);
    if (error != std::errc() || rest != hex.data() + 2) return std::nullopt;
    bytes += static_cast<char>(byte);
  }
  return bytes;
}

void write(protocol::JsonWriter& json, const Publication& publication) {
  json.field("channel", publication.channel);
  json.field("data", publication.binary ? to_hex(publication.data) : publication.data);
  if (publication.binary) json.field("binary", true);
}

// False if it is not whole.
bool take_publication(const object& from, Publication& publication) {
  element present;
  std::string_view channel;
  std::string_view data;
  if (from.at_key("channel").get(present) != simdjson::SUCCESS || !take_member(from, "channel", channel) ||
      from.at_key("data").get(present) != simdjson::SUCCESS || !take_member(from, "data", data) ||
      !take_member(from, "binary", publication.binary)) {
    return false;
  }
  auto bytes = publication.binary ? from_hex(data) : std::string(data);
  if (!bytes) return false;
  publication.channel = channel;
  publication.data = std::move(*bytes);
  return true;
}

void write(protocol::JsonWriter& json, const worker::ConnectionFilter& filter) {
  json.key("filter");
  json.begin_object();
  if (filter.slot) json.field("slot", *filter.slot);
  if (!filter.remote.empty()) json.field("remote", filter.remote);
  if (!filter.path.empty()) json.field("path", filter.path);
  if (filter.state) json.field("state", to_string(*filter.state));
  if (filter.min_age_ms != 0) json.field("min_age_ms", filter.min_age_ms);
  if (filter.min_idle_ms != 0) json.field("min_idle_ms", filter.min_idle_ms);
  if (filter.min_queue != 0) json.field("min_queue", filter.min_queue);
  json.end_object();
}

// False if it is none.
bool take_filter(const object& from, worker::ConnectionFilter& filter) {
  object members;
  if (!take_member(from, "filter", members)) return false;
  element present;
  if (from.at_key("filter").get(present) != simdjson::SUCCESS) return true;
  std::string_view remote;
  std::string_view path;
  std::string_view state;
  std::uint64_t slot = 0;
  if (!take_member(members, "slot", slot) || !take_member(members, "remote", remote) ||
      !take_member(members, "path", path) || !take_member(members, "state", state) ||
      !take_member(members, "min_age_ms", filter.min_age_ms) ||
      !take_member(members, "min_idle_ms", filter.min_idle_ms) ||
      !take_member(members, "min_queue", filter.min_queue) || !worker::is_remote_filter(remote)) {
    return false;
  }
  if (members.at_key("slot").get(present) == simdjson::SUCCESS) filter.slot = static_cast<std::uint32_t>(slot);
  filter.remote = remote;
  filter.path = path;
  if (state.empty()) return true;
  filter.state = worker::connection_state_from(state);
  return filter.state.has_value();
}

template <typename Write>
std::string one_object(Write&& write_members) {
  protocol::JsonWriter json;
  json.begin_object();
  write_members(json);
  json.end_object();
  return json.take();
}

}  // namespace

std::string to_json(const ControlRequest& request) {
  return one_object([&](protocol::JsonWriter& json) {
    json.field("command", command_names[static_cast<std::size_t>(request.command)]);
    if (request.command == ControlCommand::stop) json.field("graceful", request.graceful);
    if (request.command == ControlCommand::publish) write(json, request.publication);
    if (request.command == ControlCommand::connections) write(json, request.filter);
    if (request.command != ControlCommand::reload) return;
    json.key("options");
    json.raw(to_json(request.options));
  });
}

Result<ControlRequest> control_request_from_json(std::string_view line) {
  simdjson::dom::parser parser;
  object members;
  if (parser.parse(simdjson::padded_string(line)).get(members) != simdjson::SUCCESS) {
    return Error{"the request is no JSON object on one line"};
  }
  ControlRequest request;
  std::string_view name;
  std::string options;
  if (!take_member(members, "command", name) || !take_member(members, "graceful", request.graceful) ||
      !take_json_text(members, "options", options)) {
    return Error{"a member of the request has the wrong type"};
  }
  const auto command = command_from(name);
  if (!command) return Error{fmt::format("unknown command '{}'", protocol::printable(name))};
  request.command = *command;
  if (*command == ControlCommand::publish && !take_publication(members, request.publication)) {
    return Error{"what is to be published is not whole: it has a channel and data"};
  }
  if (*command == ControlCommand::connections && !take_filter(members, request.filter)) {
    return Error{"the filter of connections has a member that means nothing"};
  }
  if (options.empty()) return request;
  auto parsed = options_from_json(options);
  if (!parsed) return Error{parsed.error()};
  request.options = std::move(*parsed);
  return request;
}

std::string status_answer(std::string_view status_json) {
  return one_object([&](protocol::JsonWriter& json) {
    json.key("status");
    json.raw(status_json);
  });
}

std::string options_answer(const Options& options, const OptionLayers& layers) {
  return one_object([&](protocol::JsonWriter& json) {
    json.key("options");
    json.raw(to_json(options));
    json.key("environment");
    json.raw(to_json(layers.environment));
    json.key("flags");
    json.raw(to_json(layers.flags));
  });
}

std::string info_answer(std::string_view text) {
  return one_object([&](protocol::JsonWriter& json) { json.field("info", text); });
}

std::string progress_answer(std::string_view text) {
  return one_object([&](protocol::JsonWriter& json) { json.field("progress", text); });
}

std::string reload_answer(std::string_view report_json) {
  return one_object([&](protocol::JsonWriter& json) {
    json.key("reload");
    json.raw(report_json);
  });
}

std::string published_answer(std::string_view published_json) {
  return one_object([&](protocol::JsonWriter& json) {
    json.key("published");
    json.raw(published_json);
  });
}

std::string connections_answer(unsigned slot) {
  return one_object([&](protocol::JsonWriter& json) {
    json.key("connections");
    json.begin_object();
    json.field("slot", slot);
    json.end_object();
  });
}

std::string missing_answer(const std::vector<std::uint16_t>& slots) {
  return one_object([&](protocol::JsonWriter& json) {
    json.key("connections");
    json.begin_object();
    json.key("missing");
    json.begin_array();
    for (const std::uint16_t slot : slots) json.value(slot);
    json.end_array();
    json.end_object();
  });
}

std::string final_answer(CommandStatus status, std::string_view error) {
  return one_object([&](protocol::JsonWriter& json) {
    json.field("done", true);
    json.field("exit", static_cast<int>(status));
    if (!error.empty()) json.field("error", error);
  });
}

Result<ControlAnswer> control_answer_from_json(std::string_view line) {
  simdjson::dom::parser parser;
  object members;
  if (parser.parse(simdjson::padded_string(line)).get(members) != simdjson::SUCCESS) {
    return Error{"the master's answer is no JSON object"};
  }
  ControlAnswer answer;
  std::string_view info;
  std::string_view progress;
  std::string_view error;
  std::int64_t exit = 0;
  const bool good =
      take_member(members, "done", answer.done) && take_member(members, "exit", exit) &&
      take_member(members, "error", error) && take_member(members, "info", info) &&
      take_member(members, "progress", progress) && take_json_text(members, "reload", answer.reload) &&
      take_json_text(members, "published", answer.published) &&
      take_json_text(members, "connections", answer.connections) && take_json_text(members, "status", answer.status) &&
      take_json_text(members, "options", answer.options) &&
      take_json_text(members, "environment", answer.environment) && take_json_text(members, "flags", answer.flags);
  if (!good || exit < 0 || exit > 5) return Error{"the master's answer has members of the wrong type"};
  answer.exit = static_cast<CommandStatus>(exit);
  answer.info = info;
  answer.progress = progress;
  answer.error = error;
  return answer;
}

}  // namespace wsd::master
