// docs/man: the parts of wsd(8) and wsd.toml(5) that the option table and the commands tell, in mdoc(7).

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "master/command_line.h"
#include "master/option_pages.h"
#include "master/option_table.h"

namespace wsd::master {

namespace {

// Of prose, where an apostrophe may look like one.
std::string escaped(std::string_view text) {
  std::string result;
  if (text.starts_with('.') || text.starts_with('\'')) result += "\\&";
  for (const char character : text) {
    switch (character) {
      case '\\':
        result += "\\e";
        break;
      case '^':
        result += "\\(ha";
        break;
      case '~':
        result += "\\(ti";
        break;
      case '`':
        result += "\\(ga";
        break;
      default:
        result += character;
    }
  }
  return result;
}

// Of what a person types: a hyphen is a minus, so that it can be copied from the page and searched for.
std::string typed(std::string_view text) {
  std::string result;
  for (const char character : escaped(text)) {
    if (character == '-') result += '\\';
    result += character;
  }
  return result;
}

// Prose with its options ("--drain-timeout") as they are typed.
std::string prose(std::string_view text) {
  std::string result;
  while (true) {
    const std::size_t start = text.find("--");
    if (start == std::string_view::npos) return result + escaped(text);
    const std::size_t end = std::min(text.find_first_not_of("-abcdefghijklmnopqrstuvwxyz", start), text.size());
    result += escaped(text.substr(0, start)) + typed(text.substr(start, end - start));
    text.remove_prefix(end);
  }
}

// One or several, each on a line of its own: groff puts the space between them.
std::string sentences(std::string_view text) {
  std::string result;
  for (std::size_t end = text.find(". "); end != std::string_view::npos; end = text.find(". ")) {
    result += prose(text.substr(0, end)) + ".\n";
    text.remove_prefix(end + 2);
  }
  return result + prose(text) + (text.ends_with('.') ? "\n" : ".\n");
}

// "Fl g , Fl \-graceful": the macro gives the first hyphen.
std::string flags_in_mdoc(const std::vector<std::string>& flags) {
  std::vector<std::string> parts;
  for (const std::string& flag : flags) parts.push_back("Fl " + typed(std::string_view(flag).substr(1)));
  return fmt::format("{}", fmt::join(parts, " , "));
}

// The line of a list that an argument begins.
std::string item(const ArgumentDescription& argument) {
  if (argument.flags.empty()) return fmt::format(".It Ar {}\n", typed(argument.value_name));
  std::string value;
  if (!argument.value_name.empty()) {
    value = (argument.value_is_optional ? " Op Ar " : " Ar ") + typed(argument.value_name);
  }
  return fmt::format(".It {}{}\n", flags_in_mdoc(argument.flags), value);
}

std::string text_of(const ArgumentDescription& argument) {
  const auto is_told = [&argument](const std::string& word) {
    return argument.description.find(word) != std::string::npos;
  };
  std::string text = sentences(argument.description);
  if (!std::ranges::all_of(argument.choices, is_told)) {
    text += fmt::format("One of {}.\n", fmt::join(argument.choices, ", "));
  }
  return text;
}

// ---- wsd.toml(5)

// The line of a list that a key begins: with what its value looks like.
std::string item(const OptionEntry& entry) {
  if (entry.has_settings()) return fmt::format(".It Bq Ic {}\n", entry.key);
  std::string value = "Ar " + typed(entry.value_name);
  if (entry.kind == OptionKind::toggle) value = "Ar true | false";
  if (entry.kind == OptionKind::choice) value = fmt::format("Ar {}", fmt::join(entry.choices, " | "));
  if (entry.is_list()) value = fmt::format("Bq {} , ...", value);
  return fmt::format(".It Ic {} No = {}\n", entry.key, value);
}

std::string key_in_mdoc(const OptionEntry& entry) {
  std::string text = item(entry) + sentences(entry.description);
  if (!entry.opposite.empty()) text += "If false:\n" + sentences(entry.opposite);
  if (const std::string value = default_text_of(entry); !value.empty()) {
    text += fmt::format("Default: {}.\n", prose(value));
  }
  if (entry.only_at_start) text += "A reload cannot change it.\n";
  return text;
}

// ---- wsd(8)

bool is_help(const ArgumentDescription& argument) {
  return std::ranges::count(argument.flags, "--help") > 0;
}

// The row of the table that an argument is; none of "--graceful".
const OptionEntry* entry_of(const ArgumentDescription& argument) {
  const auto is_it = [&argument](const OptionEntry& entry) {
    if (argument.flags.empty()) return entry.kind == OptionKind::app && argument.value_name == entry.flag();
    const std::string& flag = argument.flags.back();
    return flag == entry.flag() || (entry.kind == OptionKind::toggle && flag == "--no-" + entry.flag().substr(2));
  };
  const auto found = std::ranges::find_if(option_table(), is_it);
  return found == option_table().end() ? nullptr : &*found;
}

std::string command_in_mdoc(const CommandDescription& command) {
  std::string positionals;
  std::string own;  // what the option table does not have
  bool takes_instance = false;
  bool takes_all = false;
  for (const ArgumentDescription& argument : command.arguments) {
    const OptionEntry* const entry = entry_of(argument);
    if (argument.flags.empty()) {
      positionals += (argument.is_required ? " Ar " : " Oo Ar ") + typed(argument.value_name) +
                     (argument.is_required ? "" : " Oc");
    }
    if (entry == nullptr && !is_help(argument)) own += item(argument) + text_of(argument);
    if (entry != nullptr) (entry->group == OptionGroup::instance ? takes_instance : takes_all) = true;
  }
  const bool has_options = !own.empty() || takes_instance || takes_all;
  std::string text = fmt::format(".It Ic {}{}{}\n{}", command.name, positionals, has_options ? " Op Ar options" : "",
                                 sentences(command.description));
  if (takes_all) {
    text += "Takes all the options below.\n";
  } else if (takes_instance) {
    text += fmt::format("Takes the options of\n.Sx {} .\n", title_of(OptionGroup::instance));
  }
  if (!own.empty()) text += ".Bl -tag -width Ds\n" + own + ".El\n";
  return text;
}

std::string option_in_mdoc(const ArgumentDescription& argument, const OptionEntry& entry) {
  std::string text = item(argument) + text_of(argument);
  const bool is_opposite = !argument.flags.empty() && argument.flags.back() == "--no-" + entry.flag().substr(2);
  if (!is_opposite) text += fmt::format("In the environment:\n.Ev {} .\n", entry.environment());
  if (!is_opposite && entry.only_at_start) text += "A reload cannot change it.\n";
  return text;
}

}  // namespace

std::string keys_in_mdoc() {
  std::string page;
  std::optional<OptionGroup> group;
  for (const OptionEntry& entry : option_table()) {
    if (!entry.in_file) continue;
    if (group != entry.group) {
      page += fmt::format("{}.Ss {}\n.Bl -tag -width Ds\n", group ? ".El\n" : "", title_of(entry.group));
    }
    group = entry.group;
    page += key_in_mdoc(entry);
  }
  return page + ".El\n";
}

std::string commands_in_mdoc() {
  std::string page = ".Sh COMMANDS\n.Bl -tag -width Ds\n";
  std::vector<ArgumentDescription> arguments;  // of the command that takes most
  for (CommandDescription& command : describe_commands()) {
    page += command_in_mdoc(command);
    if (command.arguments.size() > arguments.size()) arguments = std::move(command.arguments);
  }
  page += ".El\n.Sh OPTIONS\n.Bl -tag -width Ds\n";
  const auto help = std::ranges::find_if(arguments, is_help);
  if (help != arguments.end()) page += fmt::format("{}What the command takes, of any command.\n.El\n", item(*help));
  std::optional<OptionGroup> group;
  for (const ArgumentDescription& argument : arguments) {
    const OptionEntry* const entry = entry_of(argument);
    if (entry == nullptr) continue;
    if (group != entry->group) {
      page += fmt::format("{}.Ss {}\n.Bl -tag -width Ds\n", group ? ".El\n" : "", title_of(entry->group));
    }
    group = entry->group;
    page += option_in_mdoc(argument, *entry);
  }
  return page + ".El\n";
}

}  // namespace wsd::master
