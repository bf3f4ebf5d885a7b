#include "master/api_token.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string_view>

#include "master/exit_status.h"
#include "worker/api_token.h"
#include "worker/file_descriptor.h"

namespace wsd::master {

namespace {

constexpr std::size_t max_token = worker::ApiToken::max_size;
constexpr std::size_t min_token = 16;

[[noreturn]] void fail(const std::string& line) {
  throw CommandError(CommandStatus::usage, line);
}

// O_NONBLOCK: a FIFO in the file's place must not hang us.
worker::FileDescriptor open_token_file(const std::string& path) {
  worker::FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (!file) fail(fmt::format("cannot read the API token in {}: {}", path, std::strerror(errno)));
  struct stat status {};
  if (::fstat(file.get(), &status) != 0 || !S_ISREG(status.st_mode)) {
    fail(fmt::format("the API token file {} is not a file", path));
  }
  if ((status.st_mode & S_IRWXO) != 0) {
    fail(fmt::format("the API token in {} is open to every user; `chmod o= {}` keeps it from them", path, path));
  }
  return file;
}

std::string content_of(const worker::FileDescriptor& file, const std::string& path) {
  std::string content(max_token + std::string_view("\r\n").size() + 1, '\0');
  const ssize_t size = ::pread(file.get(), content.data(), content.size(), 0);
  if (size < 0) fail(fmt::format("cannot read the API token in {}: {}", path, std::strerror(errno)));
  content.resize(static_cast<std::size_t>(size));
  return content;
}

bool is_visible_ascii(char character) {
  return character > 0x20 && character < 0x7F;
}

void check(const std::string& token, const std::string& path) {
  if (token.empty()) {
    fail(fmt::format("the API token file {} is empty; `openssl rand -hex 32 > {}` makes a token", path, path));
  }
  if (token.size() < min_token) {
    fail(fmt::format("the API token in {} has less than {} characters; `openssl rand -hex 32 > {}` makes a good one",
                     path, min_token, path));
  }
  if (token.size() > max_token) {
    fail(fmt::format("the API token in {} has more than {} characters", path, max_token));
  }
  if (!std::ranges::all_of(token, is_visible_ascii)) {
    fail(
        fmt::format("the API token in {} has blanks or other characters that no header carries; "
                    "`openssl rand -hex 32 > {}` makes a good one",
                    path, path));
  }
}

void refuse_open_api(const Options& options) {
  const auto reachable = std::ranges::find_if_not(*options.api, &ListenUrl::is_loopback);
  if (reachable == options.api->end()) return;
  fail(
      fmt::format("--api {}: other machines could reach it, so it needs a token: give --api-token-file FILE, or listen "
                  "on 127.0.0.1",
                  to_string(*reachable)));
}

}  // namespace

std::string read_api_token(const Options& options) {
  if (!options.api_token_file.given()) {
    refuse_open_api(options);
    return {};
  }
  const std::string& path = *options.api_token_file;
  std::string token = content_of(open_token_file(path), path);
  if (token.ends_with('\n')) token.pop_back();
  if (token.ends_with('\r')) token.pop_back();
  check(token, path);
  return token;
}

}  // namespace wsd::master
