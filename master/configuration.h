// What a server runs with: the defaults, then the configuration file, then the environment (WSD_*), then the command
// line. The later counts.
//
// The file is read anew at each reload. Environment and command line are remembered by the master as layers on top of
// it, so that a line that goes from the file takes its option back to the default.

#pragma once

#include <string>
#include <vector>

#include "master/config_file.h"
#include "master/option_table.h"
#include "master/options.h"

namespace wsd::master {

struct OptionLayers {
  Options environment;  // of the command that started the server
  Options flags;        // of that command, and of each reload since
};

struct Configuration {
  OptionLayers layers;
  ConfigFile file;
  Options options;  // all together

  // Where an option's value is from: "default", "/etc/wsd/wsd.toml:12", "environment: WSD_COUNT", "flag: --count".
  // `setting`: the key in a table of settings.
  [[nodiscard]] std::string origin_of(const OptionEntry& entry, std::string_view setting = {}) const;
};

// The file that --config or WSD_CONFIG names, else /etc/wsd/wsd.toml where that exists; empty: none.
[[nodiscard]] std::string config_file_of(const OptionLayers& layers);

// What is wrong with the file is in its problems; such options are as if they were not there.
[[nodiscard]] Configuration read_configuration(const OptionLayers& layers);

// The same for those who need it whole. Throws CommandError(usage) with the first thing that is wrong.
[[nodiscard]] Options options_of(const OptionLayers& layers);

// Throws CommandError(usage) with the first of them, if there is one.
void refuse(const std::vector<ConfigProblem>& problems);

// What a command's own environment and command line say. Throws CommandError(usage). `warn` hears of variables that
// look like options and are none.
[[nodiscard]] OptionLayers layers_of(const Options& flags, void (*warn)(const std::string& line));

// Which server a command is about: name and run_dir by all layers, and nothing else of the layers below `flags`. What
// is wrong with other options of the file is no concern of those who only want to find it. Throws CommandError(usage).
[[nodiscard]] Options with_instance(const Options& flags);

// Takes back what a reload cannot change. Returns a line for each option that would have changed.
[[nodiscard]] std::vector<std::string> keep_what_needs_a_start(Options& options, const Options& running);

}  // namespace wsd::master
