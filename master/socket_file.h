// The file of a unix socket that this process is bound to. Removed with the object, if it is still that file: whoever
// has put another one in its place keeps it.
//
// Belongs to the process that made the object: a forked child leaves the file alone.

#pragma once

#include <sys/types.h>

#include <optional>
#include <string>

#include "worker/file_descriptor.h"

namespace wsd::master {

class SocketFile {
 public:
  // The socket is bound to it already. Throws CommandError(failed) if there is no such file.
  explicit SocketFile(std::string path);
  SocketFile(SocketFile&& other) noexcept;
  SocketFile& operator=(SocketFile&& other) noexcept;
  SocketFile(const SocketFile&) = delete;
  SocketFile& operator=(const SocketFile&) = delete;
  ~SocketFile();

 private:
  void remove() noexcept;

  std::string path_;
  pid_t creator_;  // 0: moved from
  dev_t device_ = 0;
  ino_t inode_ = 0;
};

// A socket bound to a new file of this mode and, if that is given, group, which it has from the first moment on: a file
// that is changed later may be another one by then. It does not listen yet. Empty where that fails, for the reason in
// errno.
[[nodiscard]] worker::FileDescriptor bind_to_file(const std::string& path, mode_t mode,
                                                  std::optional<gid_t> group = std::nullopt);

}  // namespace wsd::master
