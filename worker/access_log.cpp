#include "worker/access_log.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <iterator>

#include "protocol/json_writer.h"
#include "protocol/printable_text.h"

namespace wsd::worker {

namespace {

constexpr std::size_t max_field = 1024;

std::string_view name_of(ClosedBy who) {
  switch (who) {
    case ClosedBy::nobody:
      break;
    case ClosedBy::client:
      return "client";
    case ClosedBy::server:
      return "server";
    case ClosedBy::app:
      return "app";
    case ClosedBy::error:
      return "error";
  }
  return "nobody";
}

std::string printable_field(std::string_view text) {
  return protocol::printable(text.substr(0, max_field));
}

double in_seconds(std::chrono::milliseconds time) {
  return std::chrono::duration<double>(time).count();
}

// In quotes, which it cannot end itself.
std::string quoted(std::string_view text) {
  std::string result = "\"";
  for (const char character : printable_field(text)) {
    if (character == '"' || character == '\\') {
      fmt::format_to(std::back_inserter(result), "\\x{:02x}", static_cast<unsigned char>(character));
    } else {
      result += character;
    }
  }
  return result + '"';
}

std::string text_line(const AccessEntry& entry, std::string_view time, unsigned worker) {
  std::string line = fmt::format("{} worker={} id={} remote={} status={}", time, worker, entry.id,
                                 printable_field(entry.remote), entry.status);
  const auto add = [&line](std::string_view name, std::string_view text) {
    if (!text.empty()) fmt::format_to(std::back_inserter(line), " {}={}", name, quoted(text));
  };
  add("path", entry.path);
  if (entry.closed_by != ClosedBy::nobody) {
    const Traffic& traffic = entry.traffic;
    fmt::format_to(std::back_inserter(line),
                   " duration={:.3f} messages_in={} messages_out={} bytes_in={} bytes_out={} code={} closed_by={}",
                   in_seconds(entry.duration), traffic.messages_in, traffic.messages_out, traffic.bytes_in,
                   traffic.bytes_out, entry.code, name_of(entry.closed_by));
  }
  add("reason", entry.reason);
  add("origin", entry.origin);
  add("subprotocol", entry.subprotocol);
  return line;
}

std::string json_line(const AccessEntry& entry, std::string_view time, unsigned worker) {
  protocol::JsonWriter json;
  json.begin_object();
  json.field("time", time);
  json.field("worker", worker);
  json.field("id", std::to_string(entry.id));  // more digits than a JSON number is safe with
  json.field("remote", printable_field(entry.remote));
  json.field("status", entry.status);
  const auto add = [&json](std::string_view name, std::string_view text) {
    if (!text.empty()) json.field(name, printable_field(text));
  };
  add("path", entry.path);
  if (entry.closed_by != ClosedBy::nobody) {
    json.field("duration", in_seconds(entry.duration));
    json.field("messages_in", entry.traffic.messages_in);
    json.field("messages_out", entry.traffic.messages_out);
    json.field("bytes_in", entry.traffic.bytes_in);
    json.field("bytes_out", entry.traffic.bytes_out);
    json.field("code", entry.code);
    json.field("closed_by", name_of(entry.closed_by));
  }
  add("reason", entry.reason);
  add("origin", entry.origin);
  add("subprotocol", entry.subprotocol);
  json.end_object();
  return json.take();
}

}  // namespace

std::string access_line(const AccessEntry& entry, std::chrono::system_clock::time_point time, unsigned worker,
                        log::Format format) {
  const std::string when = log::rfc3339(time);
  return (format == log::Format::json ? json_line(entry, when, worker) : text_line(entry, when, worker)) + '\n';
}

void AccessLog::write(const AccessEntry& entry) {
  const bool written = file_.write(access_line(entry, std::chrono::system_clock::now(), worker_, log::format()));
  if (!written && file_.untold() == 1) {
    return log::warning("the access log cannot be written: {}; its lines are lost until it can", std::strerror(errno));
  }
  if (!written || file_.untold() == 0) return;
  log::warning("{} lines of the access log were lost: writing it failed", file_.untold());
  file_.told();
}

}  // namespace wsd::worker
