// scripts/completion/wsd.bash: the words that the commands and the option table tell.

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <map>
#include <string>
#include <vector>

#include "master/command_line.h"
#include "master/option_pages.h"

namespace wsd::master {

namespace {

// What a value is, in the words of scripts/completion/wsd.bash: "any" says nothing about it, "" that none is needed.
std::string kind_of_value(const ArgumentDescription& argument) {
  const std::string& name = argument.value_name;
  const std::string choices = fmt::format("{}", fmt::join(argument.choices, " "));
  if (argument.flags.empty()) return choices.empty() ? "any" : "app " + choices;
  if (name.empty() || argument.value_is_optional) return "";
  if (!choices.empty()) return "words " + choices;
  if (name == "FILE") return "file";
  if (name == "DIR") return "directory";
  if (name == "KEY=FILE") return "key-file";
  if (name == "USER") return "user";
  if (name == "GROUP") return "group";
  if (argument.flags.back() == "--name") return "instance";
  return "any";
}

// A function that prints what belongs to a word, or to two.
std::string function_of(std::string_view name, std::string_view comment, std::string_view subject,
                        const std::string& cases) {
  return fmt::format("{}() {{  # {}\n  case {} in\n{}  esac\n}}\n", name, comment, subject, cases);
}

std::string line_of(const std::string& pattern, const std::string& words) {
  return fmt::format("    {}) echo '{}' ;;\n", pattern, words);
}

// By kind of value ("": takes none) the commands whose option has it.
using Kinds = std::map<std::string, std::vector<std::string_view>>;

std::string lines_of(const std::string& flag, const Kinds& kinds) {
  std::string lines;
  for (const auto& [kind, commands] : kinds) {
    if (kind.empty()) continue;
    if (kinds.size() == 1) return line_of(fmt::format("*' {}'", flag), kind);
    for (const std::string_view command : commands) lines += line_of(fmt::format("'{} {}'", command, flag), kind);
  }
  return lines;
}

}  // namespace

std::string words_for_bash() {
  std::vector<std::string_view> names;
  std::string flags;
  std::string positionals;
  std::map<std::string, Kinds> kinds_by_flag;
  for (const CommandDescription& command : describe_commands()) {
    names.push_back(command.name);
    std::vector<std::string> of_command;
    for (const ArgumentDescription& argument : command.arguments) {
      const std::string kind = kind_of_value(argument);
      if (argument.flags.empty() && kind != "any") positionals += line_of(std::string(command.name), kind);
      for (const std::string& flag : argument.flags) {
        of_command.push_back(flag);
        kinds_by_flag[flag][kind].push_back(command.name);
      }
    }
    flags += line_of(std::string(command.name), fmt::format("{}", fmt::join(of_command, " ")));
  }
  std::string values;
  for (const auto& [flag, kinds] : kinds_by_flag) values += lines_of(flag, kinds);
  return fmt::format("_wsd_commands='{}'\n", fmt::join(names, " ")) +
         function_of("_wsd_options", "of command $1", "$1", flags) +
         function_of("_wsd_argument", "what the first argument of command $1 is", "$1", positionals) +
         function_of("_wsd_value", "what the value of option $2 of command $1 is; nothing: it needs none", "\"$1 $2\"",
                     values);
}

}  // namespace wsd::master
