#include "master/default_config.h"

#include <fmt/format.h>

#include <optional>
#include <sstream>
#include <utility>
#include <vector>

#include "master/option_table.h"
#include "master/option_value.h"
#include "master/toml_syntax.h"

namespace wsd::master {

namespace {

constexpr std::size_t width = 100;

// In lines of comments.
std::string wrapped(const std::string& text) {
  std::string result;
  std::string line = "#";
  std::istringstream words(text);
  for (std::string word; words >> word;) {
    if (line.size() + 1 + word.size() > width) {
      result += line + '\n';
      line = "#";
    }
    line += ' ' + word;
  }
  return result + line + '\n';
}

// What it is by default, or how a value would look.
std::string value_of(const OptionEntry& entry) {
  std::vector<std::string> texts = texts_of(entry, Options());
  if (texts.empty()) texts.emplace_back(entry.value_name);
  return toml_value(entry, std::move(texts));
}

std::string explained(const OptionEntry& entry) {
  const std::string remark =
      entry.default_text.empty() ? std::string() : fmt::format(" Default: {}.", entry.default_text);
  return wrapped(fmt::format("{}.{}", entry.description, remark));
}

}  // namespace

std::string default_config() {
  std::string text;
  std::string tables;
  std::optional<OptionGroup> group;
  for (const OptionEntry& entry : option_table()) {
    if (!entry.in_file) continue;
    if (entry.has_settings()) {
      tables += fmt::format("\n{}#[{}]\n#key = \"value\"\n", explained(entry), entry.key);
      continue;
    }
    if (group != entry.group) text += fmt::format("\n# ---- {}\n", title_of(entry.group));
    group = entry.group;
    text += fmt::format("\n{}#{} = {}\n", explained(entry), entry.key, value_of(entry));
  }
  return text + tables;
}

}  // namespace wsd::master
