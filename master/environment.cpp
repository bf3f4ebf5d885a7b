#include "master/environment.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

#include "master/nearest_word.h"
#include "master/option_table.h"
#include "master/option_value.h"

namespace wsd::master {

namespace {

constexpr std::string_view prefix = "WSD_";

// What Kubernetes and `docker --link` tell of a service that is called wsd.
bool is_about_a_service(std::string_view name) {
  return name == "WSD_PORT" || name.starts_with("WSD_PORT_") || name.starts_with("WSD_SERVICE_");
}

const OptionEntry* find_variable(std::string_view name) {
  const auto table = option_table();
  const auto found =
      std::ranges::find_if(table, [name](const OptionEntry& entry) { return entry.environment() == name; });
  return found == table.end() ? nullptr : &*found;
}

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view blanks = " \t\r\n";
  const std::size_t begin = text.find_first_not_of(blanks);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(blanks) - begin + 1);
}

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  while (true) {
    const std::size_t end = text.find(separator);
    if (const auto part = trimmed(text.substr(0, end)); !part.empty()) parts.push_back(part);
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + 1);
  }
}

// Blanks at the end of a line belong to its value.
std::vector<std::string_view> lines_of(std::string_view text) {
  std::vector<std::string_view> lines;
  while (true) {
    const std::size_t end = text.find('\n');
    const std::string_view line = text.substr(0, end);
    if (!trimmed(line).empty()) lines.push_back(line.substr(line.find_first_not_of(" \t")));
    if (end == std::string_view::npos) return lines;
    text.remove_prefix(end + 1);
  }
}

std::vector<std::string_view> texts_in(const OptionEntry& entry, std::string_view value) {
  if (entry.is_list()) return split(value, ',');
  if (entry.has_settings()) return lines_of(value);
  return {value};
}

std::string nearest_variable(std::string_view name) {
  std::vector<std::string> known;
  for (const OptionEntry& entry : option_table()) known.push_back(entry.environment());
  return nearest_word(name, known);
}

}  // namespace

Environment read_environment(const char* const* variables, const std::string& base) {
  Environment result;
  for (; *variables != nullptr; ++variables) {
    const std::string_view variable = *variables;
    const std::size_t equals = variable.find('=');
    if (!variable.starts_with(prefix) || equals == std::string_view::npos) continue;
    const std::string name(variable.substr(0, equals));
    const std::string_view value = variable.substr(equals + 1);
    const OptionEntry* entry = find_variable(name);
    if (entry == nullptr && !is_about_a_service(name)) {
      const std::string nearest = nearest_variable(name);
      result.warnings.push_back(fmt::format("{} in the environment is no option{}", name,
                                            nearest.empty() ? "" : fmt::format(": the nearest is {}", nearest)));
    }
    if (entry == nullptr || value.empty()) continue;
    for (const std::string_view text : texts_in(*entry, value)) {
      if (auto problem = give_text(*entry, with_absolute_path(*entry, text, base), result.options))
        result.problems.push_back({name, *problem, std::string(entry->key)});
    }
  }
  return result;
}

}  // namespace wsd::master
