#include "master/app_source.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include "master/exit_status.h"

namespace wsd::master {

namespace {

constexpr std::array<std::string_view, 3> source_endings{".cpp", ".cc", ".cxx"};

[[noreturn]] void fail(const std::string& line) {
  throw CommandError(CommandStatus::failed, line);
}

struct stat status_of(const std::string& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) fail(fmt::format("cannot read {}: {}", path, std::strerror(errno)));
  return status;
}

void refuse_what_others_may_write(const std::filesystem::path& file, uid_t user, std::string_view verb) {
  for (std::filesystem::path path = file;; path = path.parent_path()) {
    const struct stat status = status_of(path.string());
    const std::string_view stranger = stranger_with_write_access(status.st_uid, status.st_mode, user);
    if (!stranger.empty()) {
      fail(fmt::format("{} is refused, since {} would {} it: {} {}", file.string(), user == 0 ? "root" : "the workers",
                       verb, path.string(), stranger));
    }
    if (path == path.parent_path()) return;
  }
}

}  // namespace

AppKind app_kind(std::string_view app) {
  if (app.ends_with(".so")) return AppKind::module;
  for (const std::string_view ending : source_endings) {
    if (app.ends_with(ending)) return AppKind::source;
  }
  return AppKind::builtin;
}

std::string trusted_file(const std::string& path, uid_t user, std::string_view verb) {
  std::error_code error;
  const std::filesystem::path file = std::filesystem::canonical(path, error);
  if (error) fail(fmt::format("cannot read {}: {}", path, error.message()));
  if (!S_ISREG(status_of(file.string()).st_mode)) fail(path + " is not a file");
  if (::geteuid() == 0) refuse_what_others_may_write(file, user, verb);
  return file.string();
}

std::string_view stranger_with_write_access(uid_t owner, mode_t mode, uid_t user) {
  if (owner != 0 && owner != user) return "belongs to another user";
  // In a directory with the sticky bit others may add files and not exchange ours.
  if (S_ISDIR(mode) && (mode & S_ISVTX) != 0) return {};
  if ((mode & S_IWOTH) != 0) return "can be written by everybody";
  if ((mode & S_IWGRP) != 0) return "can be written by its group";
  return {};
}

}  // namespace wsd::master
