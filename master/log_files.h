// The files that a server writes lines to: its log, its access log, and what stands in for the standard output of its
// apps. Opens them,
// also anew, when somebody has renamed them (`wsd reopen`).
//
// Owned by the master. Numbers of descriptors do not change: another file comes in the place of the one behind them.

#pragma once

#include <memory>
#include <string>
#include <vector>

#include "master/options.h"
#include "master/run_directory.h"
#include "worker/file_descriptor.h"

namespace wsd::master {

// Files just opened, for every process of the server.
struct OpenedFiles {
  std::string kinds;  // of worker/log_outputs.h, one for each descriptor
  std::vector<worker::FileDescriptor> descriptors;
};

// All that `options` name. A log on the standard error of a terminal is none. Throws CommandError(failed) if one of
// them cannot be opened.
[[nodiscard]] OpenedFiles open_log_files(const Options& options, const RunDirectory& directory);

// Shared by the generations that write to it.
using AccessLogFile = std::shared_ptr<const worker::FileDescriptor>;
// The file of --access-log; null if there is none. Throws CommandError(failed).
[[nodiscard]] AccessLogFile open_access_log(const Options& options);

// The file of --stdout-file; none if there is none. Throws CommandError(failed).
[[nodiscard]] worker::FileDescriptor open_stdout_file(const Options& options);

}  // namespace wsd::master
