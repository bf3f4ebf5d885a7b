// Makes a module of a C++ source: one run of the compiler, without a shell.
//
// The compiler and its flags are those that wsd itself was built with, so that the module's ABI is the server's; $CXX
// names another compiler. Blocks until the compiler is done, so the master leaves it to a child (app_build.h).

#pragma once

#include <string>
#include <vector>

namespace wsd::master {

// The arguments, compiler first, that make `output` of `source`. `compiler`: $CXX, or null; may carry options of its
// own behind blanks ("ccache g++").
[[nodiscard]] std::vector<std::string> compiler_command(const char* compiler, const std::string& headers,
                                                        const std::string& source, const std::string& output);

// Where <wsd/app.h> is, for the executable at this path: beside it where it is installed, in the source tree where it
// was built. Empty if it is nowhere.
[[nodiscard]] std::string header_directory(const std::string& executable);

struct AppSource {
  std::string name;   // as it was asked for
  std::string file;   // trusted_file() of it
  std::string cache;  // the directory where compiled apps go
};

// Writes the module made of `source` to the descriptor `module`, and what the compiler says, as it says it, to
// `messages`. Throws CommandError(failed) with the reason; that of a source that is wrong does not repeat the messages.
void compile_app(const AppSource& source, int module, int messages);

}  // namespace wsd::master
