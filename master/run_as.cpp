#include "master/run_as.h"

#include <fmt/format.h>
#include <grp.h>
#include <pwd.h>
#include <unistd.h>

#include <charconv>
#include <optional>
#include <vector>

#include "master/exit_status.h"

namespace wsd::master {

namespace {

using worker::Identity;

[[noreturn]] void refuse(const std::string& line) {
  throw CommandError(CommandStatus::usage, line);
}

std::optional<unsigned> number_in(const std::string& text) {
  unsigned number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const bool is_id = error == std::errc() && end == text.data() + text.size() && number != ~0U;
  return is_id ? std::optional(number) : std::nullopt;
}

gid_t find_group(const std::string& name) {
  if (const ::group* const entry = ::getgrnam(name.c_str()); entry != nullptr) return entry->gr_gid;
  if (const auto number = number_in(name)) return *number;
  refuse(fmt::format("there is no group {}; make it (groupadd --system {}), or name another with --group", name, name));
}

// A number needs no entry in the database, but then it has no group of its own.
Identity find_user(const std::string& name, const std::string& group) {
  const auto number = number_in(name);
  const passwd* entry = ::getpwnam(name.c_str());
  if (entry == nullptr && number) entry = ::getpwuid(*number);
  if (entry != nullptr) {
    return {.name = entry->pw_name, .home = entry->pw_dir, .user = entry->pw_uid, .group = entry->pw_gid, .groups = {}};
  }
  if (!number) {
    refuse(fmt::format("there is no user {}; make it (useradd --system {}), or name another with --user", name, name));
  }
  if (group.empty()) refuse(fmt::format("the user {} has no name and no group; name one with --group", name));
  return {.name = name, .home = "/", .user = *number, .group = 0, .groups = {}};
}

std::vector<gid_t> groups_of(const Identity& identity) {
  std::vector<gid_t> groups(32);
  int count = static_cast<int>(groups.size());
  while (::getgrouplist(identity.name.c_str(), identity.group, groups.data(), &count) < 0) {
    groups.resize(static_cast<std::size_t>(count));
  }
  groups.resize(static_cast<std::size_t>(count));
  return groups;
}

}  // namespace

std::optional<Identity> identity_of(const std::string& user, const std::string& group) {
  if (user.empty() && group.empty()) return std::nullopt;
  if (user.empty()) refuse("--group needs --user: whose group is it to be?");
  Identity identity = find_user(user, group);
  if (!group.empty()) identity.group = find_group(group);
  if (identity.user == ::geteuid() && identity.group == ::getegid()) return std::nullopt;
  if (::geteuid() != 0) {
    throw CommandError(CommandStatus::no_permission,
                       fmt::format("only root can run workers as {}; start wsd as root, or leave out --user",
                                   group.empty() ? identity.name : fmt::format("{}:{}", identity.name, group)));
  }
  identity.groups = groups_of(identity);
  return identity;
}

worker::Privileges privileges_of(const Options& options) {
  worker::Privileges privileges{.identity = identity_of(*options.user, *options.group), .umask = {}, .core_dumps = {}};
  if (options.umask.given()) privileges.umask = static_cast<mode_t>(std::stoul(*options.umask, nullptr, 8));
  if (options.core_dumps.given()) privileges.core_dumps = *options.core_dumps;
  return privileges;
}

std::optional<gid_t> group_of(const worker::Privileges& privileges) {
  return privileges.identity ? std::optional(privileges.identity->group) : std::nullopt;
}

}  // namespace wsd::master
