// The value of one option: from a text, as TOML and JSON, and as people read it. What an option takes, its row of the
// table says (option_table.h).

#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "master/option_table.h"
#include "protocol/json_writer.h"

namespace wsd::master {

// Lists and settings grow: the first text given replaces the default, further ones are added. Says what is wrong, as in
// "must be true or false, not 'x'", or nothing.
[[nodiscard]] std::optional<std::string> give_text(const OptionEntry& entry, std::string_view text, Options& options);

// Texts that give_text() takes, from which the value would come about: one, or one for each member of a list. None for
// an empty one.
[[nodiscard]] std::vector<std::string> texts_of(const OptionEntry& entry, const Options& options);

// Such texts as a line of a TOML file has them: at least one.
[[nodiscard]] std::string toml_value(const OptionEntry& entry, std::vector<std::string> texts);

// Durations in seconds, sizes in bytes.
void write_value(protocol::JsonWriter& json, const OptionEntry& entry, const Options& options);

[[nodiscard]] bool is_given(const OptionEntry& entry, const Options& options);
void copy_value(const OptionEntry& entry, const Options& from, Options& to);

// The same text with relative paths made absolute, seen from the directory `base`.
[[nodiscard]] std::string with_absolute_path(const OptionEntry& entry, std::string_view text, std::string_view base);

// In single quotes, and printable.
[[nodiscard]] std::string quoted(std::string_view text);

}  // namespace wsd::master
