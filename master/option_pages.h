// The option table as pages for people. scripts/document puts them into docs/, a test compares.

#pragma once

#include <string>

namespace wsd::master {

// A table per group, for docs/configuration.md.
[[nodiscard]] std::string options_in_markdown();

}  // namespace wsd::master
