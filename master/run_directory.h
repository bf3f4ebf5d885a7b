// Where an instance keeps its files: NAME.lock, NAME.pid and NAME.sock, and its log where nothing else was asked for.
// Knows names and makes the directory; the files belong to InstanceLock, PidFile and ControlSocket.

#pragma once

#include <string>
#include <string_view>

#include "master/options.h"

namespace wsd::master {

class RunDirectory {
 public:
  // --run-dir, else /run/wsd for root, else $XDG_RUNTIME_DIR/wsd. Throws CommandError(usage) with a hint where that is
  // unset, or where the control socket's path would be too long for the kernel.
  static RunDirectory locate(const Options& options);

  // Makes it (0755, with its parents) where it is missing. Throws CommandError(failed) if it cannot be made or written,
  // is no directory, or is open to writers that could put their files in place of ours.
  void create() const;

  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] std::string lock_file() const { return file(".lock"); }
  [[nodiscard]] std::string pid_file() const { return file(".pid"); }
  [[nodiscard]] std::string control_socket() const { return file(".sock"); }
  // /var/log/wsd/NAME.log for root in the default directory (create_log_directory() makes it), else in here.
  [[nodiscard]] std::string default_log_file() const;
  // The one that `options` ask for, or else the default one.
  [[nodiscard]] std::string log_file(const Options& options) const;

 private:
  RunDirectory(std::string path, std::string name, bool default_of_root)
      : path_(std::move(path)), name_(std::move(name)), default_of_root_(default_of_root) {}
  [[nodiscard]] std::string file(std::string_view suffix) const;

  std::string path_;
  std::string name_;
  bool default_of_root_;
};

// Opens the log file that `options` ask for, or the default one, whose directory is made. Throws CommandError(failed).
[[nodiscard]] worker::FileDescriptor open_log_file(const Options& options, const RunDirectory& directory);

}  // namespace wsd::master
