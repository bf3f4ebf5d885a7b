// Who the workers, the compiler and a binary on trial are: `--user` and `--group`, looked up.
//
// The master stays who it is: it opens listening sockets for slots and reloads to come, and reads keys.

#pragma once

#include <optional>
#include <string>

#include "master/options.h"
#include "worker/privileges.h"

namespace wsd::master {

// The user by name or number, with its own group unless `group` names another, and in all groups that the system's
// database has it in (as initgroups(3) does it). Both may be empty: not given. Nobody, if that is who we are anyway.
// Throws CommandError: usage where there is no such user or group, no_permission where we are not root.
[[nodiscard]] std::optional<worker::Identity> identity_of(const std::string& user, const std::string& group);

// Of the workers of these options. Throws CommandError as above.
[[nodiscard]] worker::Privileges privileges_of(const Options& options);

// Who may use the server's unix sockets besides root: whoever is in the workers' group.
[[nodiscard]] std::optional<gid_t> group_of(const worker::Privileges& privileges);

}  // namespace wsd::master
