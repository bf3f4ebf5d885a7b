#include "master/small_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "worker/file_descriptor.h"

namespace wsd::master {

Result<std::string> read_small_file(const std::string& path, std::size_t max_size) {
  // O_NONBLOCK: a FIFO in the file's place must not hang us.
  const worker::FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (!file) return Error{std::strerror(errno)};
  struct stat status {};
  if (::fstat(file.get(), &status) != 0 || !S_ISREG(status.st_mode)) return Error{"it is not a file"};
  std::string content(max_size + 1, '\0');
  const ssize_t size = ::pread(file.get(), content.data(), content.size(), 0);
  if (size < 0) return Error{std::strerror(errno)};
  content.resize(static_cast<std::size_t>(size));
  content.shrink_to_fit();
  if (content.size() > max_size) return Error{fmt::format("it has more than {} bytes", max_size)};
  return content;
}

bool is_open_to_everybody(const std::string& path) {
  struct stat status {};
  return ::stat(path.c_str(), &status) == 0 && S_ISREG(status.st_mode) && (status.st_mode & S_IRWXO) != 0;
}

}  // namespace wsd::master
