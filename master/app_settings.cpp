#include "master/app_settings.h"

#include <fmt/format.h>

#include <span>
#include <string>

#include "master/exit_status.h"
#include "master/small_file.h"
#include "protocol/utf8.h"
#include "worker/log.h"

namespace wsd::master {

namespace {

constexpr std::size_t max_size = 64 * 1024;

[[noreturn]] void fail(const std::string& line) {
  throw CommandError(CommandStatus::usage, line);
}

std::string read_setting(const std::string& key, const std::string& path) {
  auto content = read_small_file(path, max_size);
  if (!content) fail(fmt::format("cannot read the setting {} in {}: {}", key, path, content.error()));
  if (is_open_to_everybody(path)) {
    log::warning("the setting {} in {} is open to every user; if it is a secret, `chmod o= {}` keeps it from them", key,
                 path, path);
  }
  std::string value = std::move(*content);
  if (value.ends_with('\n')) value.pop_back();
  if (value.ends_with('\r')) value.pop_back();
  if (!protocol::is_valid_utf8(std::as_bytes(std::span(value))) || value.find('\0') != std::string::npos)
    fail(fmt::format("the setting {} in {} is not UTF-8 without NUL", key, path));
  return value;
}

}  // namespace

Settings read_app_settings(const Options& options) {
  Settings settings = *options.set;
  for (const auto& [key, path] : *options.set_file) {
    if (settings.contains(key)) {
      fail(
          fmt::format("the setting {} is given twice, with its value and in the file {}: give one of them", key, path));
    }
    settings.emplace(key, read_setting(key, path));
  }
  return settings;
}

}  // namespace wsd::master
