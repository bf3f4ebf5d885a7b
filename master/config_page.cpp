#include "master/config_page.h"

#include <fmt/format.h>

#include <variant>
#include <vector>

#include "master/option_table.h"
#include "master/option_value.h"
#include "master/toml_syntax.h"

namespace wsd::master {

namespace {

constexpr std::size_t column_of_remarks = 40;

std::string line_of(const std::string& words, const std::string& remark) {
  return fmt::format("{:<{}}  # {}\n", words, column_of_remarks, remark);
}

// What has no value has a line too, as a comment.
std::string toml_line(const OptionEntry& entry, const Configuration& configuration) {
  const std::string origin = configuration.origin_of(entry);
  const bool is_unsaid = origin == "default" && !entry.default_text.empty();
  const std::vector<std::string> texts = texts_of(entry, configuration.options);
  if (!entry.in_file || is_unsaid || texts.empty())
    return line_of(fmt::format("# {} =", entry.key), "default: " + default_text_of(entry));
  return line_of(fmt::format("{} = {}", entry.key, toml_value(entry, texts)), origin);
}

const Settings& settings_of(const OptionEntry& entry, const Options& options) {
  return *(options.*std::get<Option<Settings> Options::*>(entry.member));
}

std::string toml_table(const OptionEntry& entry, const Configuration& configuration) {
  std::string text = fmt::format("\n[{}]\n", entry.key);
  for (const auto& [key, value] : settings_of(entry, configuration.options)) {
    text += line_of(fmt::format("{} = {}", toml_key(key), toml_text(value)), configuration.origin_of(entry, key));
  }
  return text;
}

}  // namespace

std::string to_toml(const Configuration& configuration) {
  const std::string& file = configuration.file.path;
  std::string text = fmt::format("# File: {}\n", file.empty() ? "none" : file);
  std::string tables;
  std::optional<OptionGroup> group;
  for (const OptionEntry& entry : option_table()) {
    if (entry.has_settings()) {
      if (!settings_of(entry, configuration.options).empty()) tables += toml_table(entry, configuration);
      continue;
    }
    if (entry.key == "config") continue;
    if (group != entry.group) text += fmt::format("\n# {}\n", title_of(entry.group));
    group = entry.group;
    text += toml_line(entry, configuration);
  }
  return text + tables;
}

void write_configuration(protocol::JsonWriter& json, const Configuration& configuration) {
  json.field("file", configuration.file.path);
  json.key("options");
  json.begin_object();
  for (const OptionEntry& entry : option_table()) {
    json.key(entry.key);
    write_value(json, entry, configuration.options);
  }
  json.end_object();
  json.key("origins");
  json.begin_object();
  for (const OptionEntry& entry : option_table()) json.field(entry.key, configuration.origin_of(entry));
  json.end_object();
}

}  // namespace wsd::master
