#include "master/run_directory.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <stdexcept>
#include <system_error>

#include "master/exit_status.h"
#include "worker/log.h"

namespace wsd::master {

namespace {

constexpr const char* directory_of_root = "/run/wsd";
constexpr const char* log_directory_of_root = "/var/log/wsd";

std::string default_directory() {
  if (::geteuid() == 0) return directory_of_root;
  const char* const runtime = std::getenv("XDG_RUNTIME_DIR");
  if (runtime == nullptr || *runtime != '/') {
    throw CommandError(
        CommandStatus::usage,
        "nowhere to keep the lock and the control socket: XDG_RUNTIME_DIR is not set; use --run-dir DIR");
  }
  return std::string(runtime) + "/wsd";
}

void check_socket_path(const std::string& path) {
  if (path.size() < sizeof(sockaddr_un::sun_path)) return;
  throw CommandError(CommandStatus::usage,
                     fmt::format("the path of the control socket, {}, is longer than the {} bytes the kernel takes; "
                                 "use a shorter --run-dir or --name",
                                 path, sizeof(sockaddr_un::sun_path) - 1));
}

[[noreturn]] void fail(const std::string& line) {
  throw CommandError(CommandStatus::failed, line);
}

// Like mkdir -p. What the umask takes away stays away.
void make_directories(const std::string& path) {
  std::error_code error;
  if (std::filesystem::is_directory(path, error)) return;
  const std::filesystem::path parent = std::filesystem::path(path).parent_path();
  if (!parent.empty() && parent != path) make_directories(parent.string());
  if (::mkdir(path.c_str(), 0755) == 0 || errno == EEXIST) return;
  fail(fmt::format("cannot make the directory {}: {}; use --run-dir DIR with one you can write", path,
                   std::strerror(errno)));
}

}  // namespace

RunDirectory RunDirectory::locate(const Options& options) {
  const bool given = options.run_dir.given();
  RunDirectory directory(given ? *options.run_dir : default_directory(), *options.name, !given && ::geteuid() == 0);
  check_socket_path(directory.control_socket());
  return directory;
}

void RunDirectory::create() const {
  make_directories(path_);
  struct stat status {};
  if (::stat(path_.c_str(), &status) != 0) fail(fmt::format("cannot use {}: {}", path_, std::strerror(errno)));
  if (!S_ISDIR(status.st_mode)) fail(path_ + " is not a directory; use another --run-dir");
  if ((status.st_mode & S_IWOTH) != 0) {
    fail(path_ + " can be written by everybody, who could put a lock there in place of ours; use another --run-dir");
  }
  if (status.st_uid != 0 && status.st_uid != ::geteuid()) {
    fail(path_ + " belongs to another user, who could put a lock there in place of ours; use another --run-dir");
  }
  if (::faccessat(AT_FDCWD, path_.c_str(), W_OK | X_OK, AT_EACCESS) != 0) {
    fail(fmt::format("cannot write to the directory {}: {}; use another --run-dir", path_, std::strerror(errno)));
  }
}

std::string RunDirectory::default_log_file() const {
  return default_of_root_ ? fmt::format("{}/{}.log", log_directory_of_root, name_) : file(".log");
}

std::string RunDirectory::log_file(const Options& options) const {
  return options.log_file.given() ? *options.log_file : default_log_file();
}

std::string RunDirectory::file(std::string_view suffix) const {
  return fmt::format("{}/{}{}", path_, name_, suffix);
}

worker::FileDescriptor open_log_file(const Options& options, const RunDirectory& directory) try {
  const std::string path = directory.log_file(options);
  if (!options.log_file.given()) make_directories(std::filesystem::path(path).parent_path().string());
  return log::open_file(path);
} catch (const CommandError&) {
  throw;
} catch (const std::runtime_error& error) {
  fail(fmt::format("cannot open the log: {}; use another --log-file", error.what()));
}

}  // namespace wsd::master
