#include "master/app_cache.h"

#include <fmt/format.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <functional>

#include "master/exit_status.h"

namespace wsd::master {

namespace {

constexpr const char* directory_of_root = "/var/cache/wsd";

[[noreturn]] void fail(const std::string& line) {
  throw CommandError(CommandStatus::failed, line);
}

std::string home_directory() {
  if (const char* const home = std::getenv("HOME"); home != nullptr && *home == '/') return home;
  if (const passwd* const user = ::getpwuid(::geteuid()); user != nullptr) return user->pw_dir;
  fail("nowhere to put the compiled app: HOME is not set; set XDG_CACHE_HOME");
}

std::string place() {
  if (::geteuid() == 0) return directory_of_root;
  if (const char* const cache = std::getenv("XDG_CACHE_HOME"); cache != nullptr && *cache == '/') {
    return std::string(cache) + "/wsd";
  }
  return home_directory() + "/.cache/wsd";
}

[[noreturn]] void fail_to_make(const std::string& path) {
  fail(fmt::format("cannot make the directory {} for compiled apps: {}", path, std::strerror(errno)));
}

// Root's own directory, which others may walk through and not look into.
void make_passage(const std::string& path) {
  constexpr mode_t passable = 0711;
  struct stat status {};
  if (::mkdir(path.c_str(), passable) != 0 && errno != EEXIST) fail_to_make(path);
  if (::lstat(path.c_str(), &status) != 0 || !S_ISDIR(status.st_mode) || status.st_uid != ::geteuid()) {
    fail(path + ", where compiled apps go, must be a directory of root's");
  }
  if ((status.st_mode & passable) != passable && ::chmod(path.c_str(), passable) != 0) fail_to_make(path);
}

}  // namespace

std::string app_cache_directory(const std::optional<worker::Identity>& identity) {
  std::string path = place();
  std::error_code error;
  std::filesystem::create_directories(std::filesystem::path(path).parent_path(), error);
  if (identity) {
    make_passage(path);
    path += '/' + identity->name;
  }
  const uid_t owner = identity ? identity->user : ::geteuid();
  if (::mkdir(path.c_str(), 0700) == 0) {
    if (identity && ::chown(path.c_str(), identity->user, identity->group) != 0) fail_to_make(path);
  } else if (errno != EEXIST) {
    fail_to_make(path);
  }
  struct stat status {};
  if (::lstat(path.c_str(), &status) != 0) fail(fmt::format("cannot use {}: {}", path, std::strerror(errno)));
  if (!S_ISDIR(status.st_mode)) fail(path + ", where compiled apps go, is not a directory; remove it");
  // The way to other users' directories leads through root's own.
  const mode_t closed = identity || owner != 0 ? S_IRWXG | S_IRWXO : S_IRGRP | S_IWGRP | S_IROTH | S_IWOTH;
  if (status.st_uid != owner || (status.st_mode & closed) != 0) {
    fail(fmt::format("{}, where compiled apps go, must belong to {} and be closed to others (mode 0700)", path,
                     identity ? identity->name : "you"));
  }
  return path;
}

std::string module_file(const std::string& directory, const std::string& source) {
  return fmt::format("{}/{}-{:016x}.so", directory, std::filesystem::path(source).stem().string(),
                     std::hash<std::string>{}(source));
}

}  // namespace wsd::master
