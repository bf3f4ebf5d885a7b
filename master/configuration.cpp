#include "master/configuration.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <utility>
#include <variant>

#include "master/environment.h"
#include "master/exit_status.h"
#include "master/option_value.h"

namespace wsd::master {

namespace {

std::string current_directory() {
  return std::filesystem::current_path().string();
}

// False if it is certain that there is no such file.
bool may_exist(const std::string& path) {
  struct stat status {};
  return ::stat(path.c_str(), &status) == 0 || (errno != ENOENT && errno != ENOTDIR);
}

ConfigFile file_of(const OptionLayers& layers) {
  const std::string path = config_file_of(layers);
  return path.empty() ? ConfigFile() : read_config_file(path);
}

bool finds_the_instance(std::string_view key) {
  return key == "name" || key == "run_dir";
}

// What is needed to find a server, and nothing else.
Options only_instance(const Options& options) {
  Options result;
  for (const OptionEntry& entry : option_table()) {
    if (finds_the_instance(entry.key) || entry.key == "config") copy_value(entry, options, result);
  }
  return result;
}

// Of one setting, or of anything else.
bool gives(const Options& layer, const OptionEntry& entry, std::string_view setting) {
  if (!is_given(entry, layer)) return false;
  const auto* const member = std::get_if<Option<Settings> Options::*>(&entry.member);
  return member == nullptr || setting.empty() || (*(layer.**member)).contains(setting);
}

std::string value_text(const OptionEntry& entry, const Options& options) {
  const auto texts = texts_of(entry, options);
  return texts.empty() ? default_text_of(entry) : fmt::format("{}", fmt::join(texts, ", "));
}

}  // namespace

std::string Configuration::origin_of(const OptionEntry& entry, std::string_view setting) const {
  if (gives(layers.flags, entry, setting))
    return entry.kind == OptionKind::app ? "command line" : "flag: " + entry.flag();
  if (gives(layers.environment, entry, setting)) return "environment: " + entry.environment();
  if (gives(file.options, entry, setting))
    return file.place_of(setting.empty() ? std::string(entry.key) : fmt::format("{}.{}", entry.key, setting));
  return "default";
}

std::string config_file_of(const OptionLayers& layers) {
  const Option<std::string>& given = layers.flags.config.given() ? layers.flags.config : layers.environment.config;
  if (given.given()) return *given == no_config_file ? std::string() : *given;
  const std::string path(default_config_file);
  return may_exist(path) ? path : std::string();
}

Configuration read_configuration(const OptionLayers& layers) {
  Configuration configuration{.layers = layers, .file = file_of(layers), .options = {}};
  configuration.options = configuration.file.options;
  configuration.options.merge(layers.environment);
  configuration.options.merge(layers.flags);
  return configuration;
}

Options options_of(const OptionLayers& layers) {
  Configuration configuration = read_configuration(layers);
  refuse(configuration.file.problems);
  return std::move(configuration.options);
}

void refuse(const std::vector<ConfigProblem>& problems) {
  if (problems.empty()) return;
  const std::string more =
      problems.size() == 1 ? std::string() : fmt::format(" (and {} more: see `wsd check`)", problems.size() - 1);
  throw CommandError(CommandStatus::usage, problems.front().to_string() + more);
}

OptionLayers layers_of(const Options& flags, void (*warn)(const std::string& line)) {
  Environment environment = read_environment(::environ, current_directory());
  for (const std::string& warning : environment.warnings) warn(warning);
  refuse(environment.problems);
  return {.environment = std::move(environment.options), .flags = flags};
}

Options with_instance(const Options& flags) {
  Environment environment = read_environment(::environ, current_directory());
  std::erase_if(environment.problems, [](const auto& problem) { return !finds_the_instance(problem.key); });
  refuse(environment.problems);
  const OptionLayers layers{.environment = only_instance(environment.options), .flags = flags};
  Options above = layers.environment;
  above.merge(flags);
  if (above.name.given() && above.run_dir.given()) return above;
  ConfigFile file = file_of(layers);
  std::erase_if(file.problems,
                [&file](const auto& problem) { return file.readable && !finds_the_instance(problem.key); });
  refuse(file.problems);
  Options result = only_instance(file.options);
  result.merge(above);
  return result;
}

std::vector<std::string> keep_what_needs_a_start(Options& options, const Options& running) {
  std::vector<std::string> lines;
  for (const OptionEntry& entry : option_table()) {
    if (!entry.only_at_start) continue;
    const std::string now = value_text(entry, running);
    const std::string wanted = value_text(entry, options);
    if (now != wanted) {
      lines.push_back(
          fmt::format("{} stays {}: a reload cannot make it {}, `wsd restart` can", entry.key, now, wanted));
    }
    copy_value(entry, running, options);
  }
  return lines;
}

}  // namespace wsd::master
