// Every option of a server, once: what it is called on the command line, in the environment, in wsd.toml and on the
// control socket, what it takes, and what it is for. Whoever reads, writes, explains or completes options follows this
// table; there is no second list.
//
// A new option is a member of Options (options.h) with its default and limits, and a row here. A new type of choice is
// also a new alternative of OptionMember.

#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "master/options.h"

namespace wsd::master {

enum class OptionKind : std::uint8_t {
  number,
  size,      // bytes, or 64K, 1M, 1G
  duration,  // seconds, or 500ms, 10s, 5m, 1h, 1d
  text,
  path,  // of a file or directory
  app,   // a built-in app's name, or a path
  choice,
  toggle,         // --page and --no-page
  addresses,      // a list of what to listen on
  paths,          // a list
  rules,          // a list
  settings,       // KEY=VALUE
  setting_files,  // KEY=FILE
};

enum class OptionGroup : std::uint8_t { instance, app, addresses, tls, workers, limits, compression, log };

// Where the value of a row is.
using OptionMember =
    std::variant<Option<unsigned> Options::*, Option<std::uint64_t> Options::*, Option<Milliseconds> Options::*,
                 Option<bool> Options::*, Option<std::string> Options::*, Option<std::vector<std::string>> Options::*,
                 Option<std::vector<ListenUrl>> Options::*, Option<Settings> Options::*, Option<log::Level> Options::*,
                 Option<log::Format> Options::*, Option<TlsReload> Options::*, Option<SlowConsumerPolicy> Options::*>;

struct OptionEntry {
  std::string_view key;  // in wsd.toml and JSON: "max_message"
  OptionMember member;
  OptionKind kind;
  OptionGroup group;
  std::string_view value_name;                     // "FILE"; a toggle has none
  std::string_view description;                    // one phrase, without the default
  std::string_view opposite = {};                  // what --no-… of a toggle is for
  std::string_view default_text = {};              // in words, where the value of a fresh Options does not say it
  std::span<const std::string_view> choices = {};  // by the number of the enumerator
  // What else is wrong with a text than its kind tells, as in "must not be empty".
  std::optional<std::string> (*check)(std::string_view text) = nullptr;
  char short_flag = '\0';
  bool in_file = true;
  bool only_at_start = false;  // a reload cannot change it

  [[nodiscard]] std::string flag() const;         // "--max-message"; of the app, "APP"
  [[nodiscard]] std::string environment() const;  // "WSD_MAX_MESSAGE"
  [[nodiscard]] bool is_list() const;
  [[nodiscard]] bool has_settings() const;
};

// In the order in which they are explained, group by group.
[[nodiscard]] std::span<const OptionEntry> option_table();
[[nodiscard]] const OptionEntry* find_option(std::string_view key);

[[nodiscard]] std::string_view title_of(OptionGroup group);

// What it is without being given, as a person reads it: "30s", "none", "ws://0.0.0.0:8080"; empty where there is
// nothing to say.
[[nodiscard]] std::string default_text_of(const OptionEntry& entry);

}  // namespace wsd::master
