#include "master/socket_file.h"

#include <fmt/format.h>
#include <sys/fsuid.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "master/exit_status.h"

namespace wsd::master {

SocketFile::SocketFile(std::string path) : path_(std::move(path)), creator_(::getpid()) {
  struct stat status {};
  if (::lstat(path_.c_str(), &status) != 0) {
    throw CommandError(CommandStatus::failed,
                       fmt::format("cannot find the socket {}: {}", path_, std::strerror(errno)));
  }
  device_ = status.st_dev;
  inode_ = status.st_ino;
}

SocketFile::SocketFile(SocketFile&& other) noexcept
    : path_(std::move(other.path_)),
      creator_(std::exchange(other.creator_, 0)),
      device_(other.device_),
      inode_(other.inode_) {}

SocketFile& SocketFile::operator=(SocketFile&& other) noexcept {
  if (this == &other) return *this;
  remove();
  path_ = std::move(other.path_);
  creator_ = std::exchange(other.creator_, 0);
  device_ = other.device_;
  inode_ = other.inode_;
  return *this;
}

SocketFile::~SocketFile() {
  remove();
}

void SocketFile::remove() noexcept {
  struct stat status {};
  const bool still_ours = creator_ == ::getpid() && ::lstat(path_.c_str(), &status) == 0 && status.st_dev == device_ &&
                          status.st_ino == inode_;
  if (still_ours) ::unlink(path_.c_str());
}

worker::FileDescriptor bind_to_file(const std::string& path, mode_t mode, std::optional<gid_t> group) {
  worker::FileDescriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!socket) return {};
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof(address.sun_path)) {
    errno = ENAMETOOLONG;
    return {};
  }
  path.copy(address.sun_path, path.size());
  const mode_t umask_before = ::umask(0777 & ~mode);
  // The group that files are made with; it takes CAP_SETGID, which who gives groups away has.
  const int group_before = ::setfsgid(group.value_or(::getegid()));
  const int result = ::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address));
  const int error = errno;
  ::setfsgid(static_cast<gid_t>(group_before));
  ::umask(umask_before);
  if (result == 0) return socket;
  socket.reset();
  errno = error;
  return {};
}

}  // namespace wsd::master
