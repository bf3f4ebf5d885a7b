// The apps that come with the server, by name.

#pragma once

#include <wsd/app.h>

#include <string>
#include <string_view>
#include <vector>

namespace wsd::worker {

// Null if there is no app of this name.
[[nodiscard]] const AppModule* find_builtin_app(std::string_view name);
[[nodiscard]] std::vector<std::string_view> builtin_app_names();

}  // namespace wsd::worker
