#include "master/pid_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <string_view>
#include <utility>

#include "master/exit_status.h"
#include "worker/file_descriptor.h"

namespace wsd::master {

namespace {

std::string content_for_us() {
  return fmt::format("{}\n", ::getpid());
}

[[noreturn]] void fail(const std::string& path, int error) {
  throw CommandError(CommandStatus::failed,
                     fmt::format("cannot write {}: {}; move away what is there, or use another --run-dir", path,
                                 std::strerror(error)));
}

void write_new_file(const std::string& path, std::string_view content) {
  ::unlink(path.c_str());  // what a process of the same pid left when it died here
  const worker::FileDescriptor file(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644));
  if (!file) fail(path, errno);
  if (::write(file.get(), content.data(), content.size()) == static_cast<ssize_t>(content.size())) return;
  const int error = errno;
  ::unlink(path.c_str());
  fail(path, error);
}

// O_NONBLOCK: somebody may have put a FIFO there.
bool holds_our_pid(const std::string& path) {
  const worker::FileDescriptor file(::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (!file) return false;
  std::array<char, 32> content{};
  const ssize_t size = ::read(file.get(), content.data(), content.size());
  return size > 0 && std::string_view(content.data(), static_cast<std::size_t>(size)) == content_for_us();
}

}  // namespace

PidFile::PidFile(std::string path) : path_(std::move(path)) {
  const std::string temporary = fmt::format("{}.{}", path_, ::getpid());
  write_new_file(temporary, content_for_us());
  if (std::rename(temporary.c_str(), path_.c_str()) == 0) return;
  const int error = errno;
  ::unlink(temporary.c_str());
  fail(path_, error);
}

PidFile::~PidFile() {
  if (holds_our_pid(path_)) ::unlink(path_.c_str());
}

}  // namespace wsd::master
