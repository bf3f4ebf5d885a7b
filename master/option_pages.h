// The option table and the commands as pages for people and as words for a shell. scripts/document puts them between
// the marks of the files in docs/ and scripts/completion, a test compares.

#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace wsd::master {

// docs/configuration.md: a table per group.
[[nodiscard]] std::string options_in_markdown();

// docs/man/wsd.toml.5: the keys of the file, group by group.
[[nodiscard]] std::string keys_in_mdoc();

// docs/man/wsd.8: each command with what it alone takes, and the options, group by group.
[[nodiscard]] std::string commands_in_mdoc();

// scripts/completion/wsd.bash: functions that say which words there are, and what values are.
[[nodiscard]] std::string words_for_bash();

// The one of them that is made for `file`: "docs/man/wsd.8"; for "config", default_config().
[[nodiscard]] std::optional<std::string> made_for(std::string_view file);

}  // namespace wsd::master
