#include "master/app_compiler.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <sstream>

#include "master/app_cache.h"
#include "master/exit_status.h"
#include "master/module_memory.h"
#include "worker/file_descriptor.h"

namespace wsd::master {

namespace {

[[noreturn]] void fail(const std::string& line) {
  throw CommandError(CommandStatus::failed, line);
}

void append_words(std::vector<std::string>& words, const char* text) {
  std::istringstream stream(text);
  for (std::string word; stream >> word;) words.push_back(word);
}

std::string own_headers() {
  std::error_code error;
  const std::string executable = std::filesystem::read_symlink("/proc/self/exe", error).string();
  std::string headers = header_directory(executable);
  if (headers.empty()) fail("the header <wsd/app.h> is not where it was installed or built; install wsd again");
  return headers;
}

// How the compiler's process begins: the signals that we ignore or block are its own affair.
class SpawnAttributes {
 public:
  SpawnAttributes() {
    sigset_t set;
    ::posix_spawnattr_init(&attributes_);
    ::sigfillset(&set);
    ::posix_spawnattr_setsigdefault(&attributes_, &set);
    ::sigemptyset(&set);
    ::posix_spawnattr_setsigmask(&attributes_, &set);
    ::posix_spawnattr_setflags(&attributes_, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
  }
  SpawnAttributes(const SpawnAttributes&) = delete;
  SpawnAttributes& operator=(const SpawnAttributes&) = delete;
  ~SpawnAttributes() { ::posix_spawnattr_destroy(&attributes_); }
  [[nodiscard]] const posix_spawnattr_t* get() const { return &attributes_; }

 private:
  posix_spawnattr_t attributes_;
};

// Its standard streams: nothing to read, and one place to write to.
class SpawnStreams {
 public:
  explicit SpawnStreams(int output) {
    ::posix_spawn_file_actions_init(&actions_);
    ::posix_spawn_file_actions_adddup2(&actions_, output, STDOUT_FILENO);
    ::posix_spawn_file_actions_adddup2(&actions_, output, STDERR_FILENO);
    ::posix_spawn_file_actions_addopen(&actions_, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  }
  SpawnStreams(const SpawnStreams&) = delete;
  SpawnStreams& operator=(const SpawnStreams&) = delete;
  ~SpawnStreams() { ::posix_spawn_file_actions_destroy(&actions_); }
  [[nodiscard]] const posix_spawn_file_actions_t* get() const { return &actions_; }

 private:
  posix_spawn_file_actions_t actions_;
};

// The status that waitpid tells.
int run(const std::vector<std::string>& command, int messages) {
  std::vector<char*> arguments;
  for (const std::string& word : command) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  // A copy out of the way of the standard streams that it is about to become.
  const worker::FileDescriptor output(::fcntl(messages, F_DUPFD_CLOEXEC, STDERR_FILENO + 1));
  const SpawnStreams streams(output.get());
  const SpawnAttributes attributes;
  pid_t pid = 0;
  if (const int error =
          ::posix_spawnp(&pid, arguments[0], streams.get(), attributes.get(), arguments.data(), environ)) {
    fail(fmt::format("cannot run the compiler {}: {}; install it, or name another one in CXX", command.front(),
                     std::strerror(error)));
  }
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  return status;
}

// Gone when it goes, unless it was renamed.
class TemporaryFile {
 public:
  explicit TemporaryFile(std::string path) : path_(std::move(path)) {}
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;
  ~TemporaryFile() { ::unlink(path_.c_str()); }
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace

std::vector<std::string> compiler_command(const char* compiler, const std::string& headers, const std::string& source,
                                          const std::string& output) {
  std::vector<std::string> command;
  if (compiler != nullptr) append_words(command, compiler);
  if (command.empty()) command.emplace_back(WSD_APP_COMPILER);
  append_words(command, WSD_APP_FLAGS);
  command.insert(command.end(), {"-I", headers, "-o", output, source});
  return command;
}

std::string header_directory(const std::string& executable) {
  const std::filesystem::path directory = std::filesystem::path(executable).parent_path();
  const std::filesystem::path installed = (directory / WSD_HEADERS_FROM_BIN).lexically_normal();
  const std::filesystem::path built = WSD_SOURCE_HEADERS;
  std::error_code error;
  for (const auto& place :
       directory == WSD_BUILD_DIRECTORY ? std::array{built, installed} : std::array{installed, built}) {
    if (std::filesystem::exists(place / "wsd" / "app.h", error)) return place.string();
  }
  return {};
}

void compile_app(const AppSource& source, int module, int messages) {
  const std::string result = module_file(source.cache, source.file);
  const TemporaryFile temporary(fmt::format("{}.{}.tmp", result, ::getpid()));
  const int status = run(compiler_command(std::getenv("CXX"), own_headers(), source.file, temporary.path()), messages);
  if (WIFSIGNALED(status)) {
    fail(fmt::format("the compiler was ended by signal {} while it compiled {}", WTERMSIG(status), source.name));
  }
  if (WEXITSTATUS(status) != 0) fail(source.name + " does not compile");
  copy_to_module_memory(temporary.path(), module);
  std::rename(temporary.path().c_str(), result.c_str());  // kept for debuggers; the server runs its own copy
}

}  // namespace wsd::master
