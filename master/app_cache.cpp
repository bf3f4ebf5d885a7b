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

}  // namespace

std::string app_cache_directory() {
  std::string path = place();
  std::error_code error;
  std::filesystem::create_directories(std::filesystem::path(path).parent_path(), error);
  if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) {
    fail(fmt::format("cannot make the directory {} for compiled apps: {}", path, std::strerror(errno)));
  }
  struct stat status {};
  if (::lstat(path.c_str(), &status) != 0) fail(fmt::format("cannot use {}: {}", path, std::strerror(errno)));
  if (!S_ISDIR(status.st_mode)) fail(path + ", where compiled apps go, is not a directory; remove it");
  if (status.st_uid != ::geteuid() || (status.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
    fail(path + ", where compiled apps go, must belong to you and be closed to others (mode 0700)");
  }
  return path;
}

std::string module_file(const std::string& directory, const std::string& source) {
  return fmt::format("{}/{}-{:016x}.so", directory, std::filesystem::path(source).stem().string(),
                     std::hash<std::string>{}(source));
}

}  // namespace wsd::master
