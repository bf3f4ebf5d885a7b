#include "master/instance_lock.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <vector>

#include "master/exit_status.h"

namespace wsd::master {

namespace {

struct flock whole_file() {
  struct flock lock {};
  lock.l_type = F_WRLCK;
  lock.l_whence = SEEK_SET;
  return lock;
}

// Where we may not even look for the file, its directory is what keeps us out.
std::string owner_of_file(const std::string& path) {
  struct stat status {};
  if (::lstat(path.c_str(), &status) == 0) return name_of_user(status.st_uid);
  const std::string directory = std::filesystem::path(path).parent_path().string();
  return ::stat(directory.c_str(), &status) == 0 ? name_of_user(status.st_uid) : "the user";
}

[[noreturn]] void fail(const std::string& path, const char* operation, int error) {
  if (error == ELOOP) {
    throw CommandError(CommandStatus::failed, path + " is a symbolic link, which a lock must not be; remove it");
  }
  const bool permission = error == EACCES || error == EPERM;
  throw CommandError(permission ? CommandStatus::no_permission : CommandStatus::failed,
                     fmt::format("cannot {} {}: {}{}", operation, path, std::strerror(error),
                                 permission ? "; run wsd as " + owner_of_file(path) + ", to whom it belongs" : ""));
}

// O_NONBLOCK: a FIFO in the lock's place must not hang us.
worker::FileDescriptor open_lock_file(const std::string& path, int flags) {
  return worker::FileDescriptor(::open(path.c_str(), flags | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0644));
}

bool is_regular_file(int fd) {
  struct stat status {};
  return ::fstat(fd, &status) == 0 && S_ISREG(status.st_mode);
}

// Whether `path` still leads to the file that is open: somebody may have put another one there meanwhile.
bool is_still_at(const std::string& path, int fd) {
  struct stat opened {};
  struct stat found {};
  return ::fstat(fd, &opened) == 0 && ::lstat(path.c_str(), &found) == 0 && opened.st_dev == found.st_dev &&
         opened.st_ino == found.st_ino;
}

std::optional<LockHolder> holder_of(int fd) {
  struct flock lock = whole_file();
  if (::fcntl(fd, F_GETLK, &lock) != 0 || lock.l_type == F_UNLCK) return std::nullopt;
  return LockHolder{lock.l_pid};
}

[[noreturn]] void refuse_second_master(int fd, const std::string& name) {
  const auto holder = holder_of(fd);
  const std::string who = !holder            ? "it was ending just now"
                          : holder->pid == 0 ? "in another pid namespace"
                                             : fmt::format("pid {}", holder->pid);
  throw CommandError(
      CommandStatus::already_running,
      fmt::format("{} is already running ({}); `wsd restart` replaces it, --name starts another beside it", name, who));
}

}  // namespace

InstanceLock::InstanceLock(const std::string& path, const std::string& name)
    : fd_(open_lock_file(path, O_RDWR | O_CREAT)) {
  if (!fd_) fail(path, "open the lock", errno);
  if (!is_regular_file(fd_.get())) {
    throw CommandError(CommandStatus::failed, path + " is not a regular file, which a lock must be; remove it");
  }
  struct flock lock = whole_file();
  if (::fcntl(fd_.get(), F_SETLK, &lock) != 0) {
    if (errno == EACCES || errno == EAGAIN) refuse_second_master(fd_.get(), name);
    fail(path, "lock", errno);
  }
  if (!is_still_at(path, fd_.get())) {
    throw CommandError(CommandStatus::failed,
                       path + " was replaced while it was locked; find out who did, and start again");
  }
}

std::optional<LockHolder> find_lock_holder(const std::string& path) {
  const worker::FileDescriptor fd = open_lock_file(path, O_RDONLY);
  if (!fd && (errno == ENOENT || errno == ENOTDIR)) return std::nullopt;
  if (!fd) fail(path, "read the lock", errno);
  if (!is_regular_file(fd.get())) {
    throw CommandError(CommandStatus::failed, path + " is not a regular file, which a lock must be; remove it");
  }
  return holder_of(fd.get());
}

std::string name_of_user(uid_t user) {
  passwd entry{};
  passwd* found = nullptr;
  std::vector<char> buffer(16 * 1024);
  if (::getpwuid_r(user, &entry, buffer.data(), buffer.size(), &found) == 0 && found != nullptr) return found->pw_name;
  return fmt::format("{}", user);
}

std::string owner_of(pid_t pid) {
  struct stat status {};
  return ::stat(fmt::format("/proc/{}", pid).c_str(), &status) == 0 ? name_of_user(status.st_uid) : "unknown";
}

}  // namespace wsd::master
