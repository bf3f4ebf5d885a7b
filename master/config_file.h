// wsd.toml, or another file of options: keys of the option table, lists as arrays, and the tables [set] and [set_file]
// of the app's settings.
//
//   count = 4
//   listen = ["ws://0.0.0.0:8080"]
//   max_message = "64K"
//
//   [set]
//   greeting = "hello"
//
// Everything that is wrong with a file is found at once, each with the line where it is. A relative path means one
// beside the file.

#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "master/options.h"

namespace wsd::master {

inline constexpr std::string_view default_config_file = "/etc/wsd/wsd.toml";
inline constexpr std::string_view no_config_file = "/dev/null";  // as --config has it for "no file at all"

struct ConfigProblem {
  std::string place;  // "/etc/wsd/wsd.toml:12", "WSD_COUNT"
  std::string text;   // what is wrong there and what to do
  std::string key{};  // of the option that is concerned, if it is one

  // "/etc/wsd/wsd.toml:12: unknown key 'lisen': the nearest is 'listen'"
  [[nodiscard]] std::string to_string() const { return place + ": " + text; }
};

struct ConfigFile {
  std::string path;                                      // empty: there is no file
  Options options;                                       // what is right
  std::map<std::string, unsigned, std::less<>> lines{};  // where each key is; of a setting, "set.greeting"
  std::vector<ConfigProblem> problems{};                 // by line
  bool readable = true;                                  // false: one problem says why nothing could be read

  [[nodiscard]] std::string place_of(std::string_view key) const;  // "/etc/wsd/wsd.toml:12"
};

// `path`: for places and relative paths; nothing is opened.
[[nodiscard]] ConfigFile parse_config(std::string_view text, const std::string& path);

// As root it refuses a file that another user could have written: whoever may, would have us do what they like.
[[nodiscard]] ConfigFile read_config_file(const std::string& path);

}  // namespace wsd::master
