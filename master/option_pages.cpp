#include "master/option_pages.h"

#include <fmt/format.h>

#include <optional>
#include <string_view>

#include "master/default_config.h"
#include "master/option_table.h"

namespace wsd::master {

namespace {

std::string escaped(std::string_view text) {
  std::string result;
  for (const char character : text) {
    if (character == '|' || character == '*') result += '\\';
    result += character;
  }
  return result;
}

std::string flag_with_value(const OptionEntry& entry) {
  const std::string flag = entry.flag();
  if (entry.kind == OptionKind::app) return "`APP`";
  if (entry.kind == OptionKind::toggle) {
    const std::string both = fmt::format("`{}`, `--no-{}`", flag, flag.substr(2));
    return entry.short_flag == '\0' ? both : fmt::format("`-{}`, {}", entry.short_flag, both);
  }
  return fmt::format("`{} {}`", flag, entry.value_name);
}

std::string row(const OptionEntry& entry) {
  const std::string text = default_text_of(entry);
  return fmt::format("| {} | {} | `{}` | {}{}{} | {} |\n",
                     entry.in_file ? fmt::format("`{}`", entry.key) : std::string("–"), flag_with_value(entry),
                     entry.environment(), escaped(entry.description),
                     entry.is_list() || entry.has_settings() ? "; repeatable" : "",
                     entry.only_at_start ? "; only at a start" : "", text.empty() ? "–" : escaped(text));
}

}  // namespace

std::string options_in_markdown() {
  std::string page;
  std::optional<OptionGroup> group;
  for (const OptionEntry& entry : option_table()) {
    if (group != entry.group) {
      page += fmt::format(
          "\n### {}\n\n| in the file | on the command line | in the environment | what it is | default |\n"
          "|---|---|---|---|---|\n",
          title_of(entry.group));
    }
    group = entry.group;
    page += row(entry);
  }
  return page + "\n";
}

std::optional<std::string> made_for(std::string_view file) {
  if (file == "config") return default_config();
  if (file == "docs/configuration.md") return options_in_markdown();
  if (file == "docs/man/wsd.toml.5") return keys_in_mdoc();
  if (file == "docs/man/wsd.8") return commands_in_mdoc();
  if (file == "scripts/completion/wsd.bash") return words_for_bash();
  return {};
}

}  // namespace wsd::master
