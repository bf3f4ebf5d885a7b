// The word that callers of the API must know: the content of --api-token-file.

#pragma once

#include <string>

#include "master/options.h"

namespace wsd::master {

// Of the file that the options name, without the newline at its end; empty if they name none. Throws
// CommandError(usage) for a file that cannot be read or that others can, for a token that is none, and for an API that
// other machines could reach without one.
[[nodiscard]] std::string read_api_token(const Options& options);

}  // namespace wsd::master
