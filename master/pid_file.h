// NAME.pid, for people and their scripts. wsd itself never reads a pid from it to believe it: the lock names the
// master.

#pragma once

#include <sys/types.h>

#include <string>
#include <utility>

namespace wsd::master {

class PidFile {
 public:
  // Written beside its place and renamed into it, so that a reader sees a whole pid, and whatever lay there (a stale
  // file, a symbolic link, a FIFO) is replaced rather than followed. Throws CommandError(failed).
  explicit PidFile(std::string path);
  // The one that this process wrote before it replaced its own binary.
  struct Keep {};
  PidFile(std::string path, Keep) : path_(std::move(path)) {}
  PidFile(const PidFile&) = delete;
  PidFile& operator=(const PidFile&) = delete;
  // Removes the file if it still holds this process's pid: a forked child that ends, or a successor's file, is
  // harmless.
  ~PidFile();

 private:
  std::string path_;
};

}  // namespace wsd::master
