#include "master/config_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <optional>
#include <utility>

#include "master/app_source.h"
#include "master/exit_status.h"
#include "master/nearest_word.h"
#include "master/option_table.h"
#include "master/option_value.h"
#include "master/small_file.h"
#include "master/toml_syntax.h"

// toml++ 3.3 asserts that a key follows "[[", whatever is there, and without assertions goes on as if there were one. A
// broken file may not end a master, so its assertions throw, also where ours are compiled without.
namespace {
struct TomlAssertion {};
constexpr void assert_of_toml(bool condition) {
  if (!condition) throw TomlAssertion();
}
}  // namespace
#pragma push_macro("NDEBUG")
#undef NDEBUG
#define TOML_ASSERT(condition) assert_of_toml(static_cast<bool>(condition))
#define TOML_EXCEPTIONS 1
#define TOML_ENABLE_FORMATTERS 0
// Nor may a letter: toml++ 3.3 holds for unreachable what it finds when it asks whether 'é' is a blank. It is not.
#if __has_include(<toml++/impl/unicode.h>)
#include <toml++/impl/forward_declarations.h>
#undef TOML_UNREACHABLE
#define TOML_UNREACHABLE return false
#include <toml++/impl/unicode.h>
#undef TOML_UNREACHABLE
#define TOML_UNREACHABLE __builtin_unreachable()
#endif
#include <toml++/toml.h>
#pragma pop_macro("NDEBUG")

namespace wsd::master {

namespace {

constexpr std::size_t max_size = 1024 * 1024;

std::string_view in_words(toml::node_type type) {
  switch (type) {
    case toml::node_type::table:
      return "a table";
    case toml::node_type::array:
      return "an array";
    case toml::node_type::string:
      return "text";
    case toml::node_type::integer:
    case toml::node_type::floating_point:
      return "a number";
    case toml::node_type::boolean:
      return "true or false";
    default:
      return "a date or time";
  }
}

// What an option of this kind looks like in a file.
std::string_view expectation(OptionKind kind) {
  switch (kind) {
    case OptionKind::number:
      return "a whole number";
    case OptionKind::size:
      return "a number of bytes, or text like \"64K\"";
    case OptionKind::duration:
      return "a number of seconds, or text like \"500ms\"";
    case OptionKind::text:
    case OptionKind::path:
    case OptionKind::app:
    case OptionKind::choice:
      return "text in quotes";
    case OptionKind::toggle:
      return "true or false";
    case OptionKind::addresses:
    case OptionKind::paths:
    case OptionKind::rules:
      return "an array of texts, as in [\"…\", \"…\"]";
    case OptionKind::settings:
    case OptionKind::setting_files:
      return "a table";
  }
  return {};
}

bool fits(OptionKind kind, const toml::node& node) {
  switch (kind) {
    case OptionKind::number:
      return node.is_number();
    case OptionKind::size:
    case OptionKind::duration:
      return node.is_number() || node.is_string();
    case OptionKind::toggle:
      return node.is_boolean();
    default:
      return node.is_string();
  }
}

// As it would be written on the command line. Nothing for what has no such text.
std::optional<std::string> text_of(const toml::node& node) {
  if (const auto* text = node.as_string()) return text->get();
  if (const auto* truth = node.as_boolean()) return truth->get() ? "true" : "false";
  if (const auto* number = node.as_integer()) return fmt::format("{}", number->get());
  if (const auto* number = node.as_floating_point()) return fmt::format("{}", number->get());
  return std::nullopt;
}

class Reader {
 public:
  explicit Reader(const std::string& path) : base_(std::filesystem::path(path).parent_path().string()) {
    file_.path = path;
  }

  ConfigFile read(std::string_view text) {
    if (const auto line = line_of_stray_character(text)) {
      refuse_syntax(*line, "there is a character here that belongs into a text value, which stands in quotes");
    } else {
      parse(text);
    }
    std::ranges::stable_sort(problems_, {}, &Problem::line);
    for (Problem& problem : problems_) {
      file_.problems.push_back({place(problem.line), std::move(problem.text), std::move(problem.key)});
    }
    return std::move(file_);
  }

 private:
  struct Problem {
    unsigned line;
    std::string text;
    std::string key;
  };

  void parse(std::string_view text) try {
    for (const auto& [key, node] : toml::parse(text)) take(key.str(), node);
  } catch (const toml::parse_error& error) {
    refuse_syntax(static_cast<unsigned>(error.source().begin.line), std::string(error.description()));
  } catch (const TomlAssertion&) {
    refuse_syntax(line_of_unnamed_table(text), "a table's name stands in brackets, as in [set]");
  }

  void take(std::string_view key, const toml::node& node) {
    const OptionEntry* entry = find_option(key);
    if (entry == nullptr) return refuse_key(key, node);
    if (!entry->in_file) {
      return refuse(node, key,
                    fmt::format("{} belongs on the command line, {}, or into the environment, {}", key, entry->flag(),
                                entry->environment()));
    }
    file_.lines.emplace(key, line_of(node));
    if (entry->is_list()) return take_list(*entry, node);
    if (entry->has_settings()) return take_settings(*entry, node);
    take_value(*entry, node);
  }

  void take_value(const OptionEntry& entry, const toml::node& node) {
    if (!fits(entry.kind, node)) return refuse_type(entry, node);
    give(entry, *text_of(node), node);
  }

  void take_list(const OptionEntry& entry, const toml::node& node) {
    const toml::array* members = node.as_array();
    if (members == nullptr) return refuse_type(entry, node);
    const bool needs_one = entry.kind == OptionKind::addresses && entry.key == "listen";
    if (members->empty() && needs_one) return refuse(node, entry.key, "needs one address at least");
    for (const toml::node& member : *members) take_value(entry, member);
  }

  void take_settings(const OptionEntry& entry, const toml::node& node) {
    const toml::table* members = node.as_table();
    if (members == nullptr) return refuse_type(entry, node);
    for (const auto& [key, member] : *members) {
      const std::string name = fmt::format("{}.{}", entry.key, key.str());
      const auto text = text_of(member);
      if (!text || (entry.kind == OptionKind::setting_files && !member.is_string())) {
        refuse(member, name,
               fmt::format("must be {}, not {}",
                           entry.kind == OptionKind::settings ? "text, a number, true or false"
                                                              : "the name of a file in quotes",
                           in_words(member.type())));
      } else if (key.str().find('=') != std::string_view::npos) {
        refuse(member, name, "a setting's name has no '='");
      } else {
        file_.lines.emplace(name, line_of(member));
        give(entry, fmt::format("{}={}", key.str(), *text), member);
      }
    }
  }

  void give(const OptionEntry& entry, const std::string& text, const toml::node& node) {
    if (auto problem = give_text(entry, with_absolute_path(entry, text, base_), file_.options))
      refuse(node, entry.key, *problem);
  }

  void refuse(const toml::node& node, std::string_view key, const std::string& text) {
    problems_.push_back({line_of(node), fmt::format("{}: {}", key, text), std::string(key)});
  }

  void refuse_type(const OptionEntry& entry, const toml::node& node) {
    refuse(node, entry.key, fmt::format("must be {}, not {}", expectation(entry.kind), in_words(node.type())));
  }

  void refuse_key(std::string_view key, const toml::node& node) {
    std::vector<std::string> known;
    for (const OptionEntry& entry : option_table()) {
      if (entry.in_file) known.emplace_back(entry.key);
    }
    const std::string nearest = nearest_word(key, known);
    const std::string_view remark =
        node.is_table() ? "; only the app's settings have a table, [set], all other keys stand above it" : "";
    problems_.push_back({line_of(node),
                         fmt::format("unknown key {}{}{}", quoted(key),
                                     nearest.empty() ? "" : fmt::format(": the nearest is '{}'", nearest), remark),
                         {}});
  }

  void refuse_syntax(unsigned line, std::string text) {
    file_.readable = false;
    if (text.find("value:") != std::string::npos) text += "; text stands in quotes, as in app = \"echo\"";
    problems_.push_back({line, std::move(text), {}});
  }

  static unsigned line_of(const toml::node& node) { return static_cast<unsigned>(node.source().begin.line); }
  [[nodiscard]] std::string place(unsigned line) const { return fmt::format("{}:{}", file_.path, line); }

  std::string base_;
  ConfigFile file_;
  std::vector<Problem> problems_;
};

ConfigFile unreadable(const std::string& path, std::string reason) {
  ConfigFile file;
  file.path = path;
  file.readable = false;
  file.problems.push_back({path, std::move(reason), {}});
  return file;
}

}  // namespace

std::string ConfigFile::place_of(std::string_view key) const {
  const auto found = lines.find(key);
  return found == lines.end() ? path : fmt::format("{}:{}", path, found->second);
}

ConfigFile parse_config(std::string_view text, const std::string& path) {
  return Reader(path).read(text);
}

ConfigFile read_config_file(const std::string& path) {
  std::string trusted;
  try {
    trusted = trusted_file(path, 0, "obey");
  } catch (const CommandError& error) {
    return unreadable(path, error.what());
  }
  auto text = read_small_file(trusted, max_size);
  if (!text) return unreadable(path, "cannot be read: " + text.error());
  return parse_config(*text, path);
}

}  // namespace wsd::master
