#include "master/module_memory.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <vector>

#include "master/exit_status.h"

namespace wsd::master {

namespace {

constexpr std::size_t max_module_size = 1024UL * 1024 * 1024;
constexpr std::size_t copied_at_once = 1024UL * 1024;

[[noreturn]] void fail(std::string_view operation, const std::string& what) {
  throw CommandError(CommandStatus::failed, fmt::format("cannot {} {}: {}", operation, what, std::strerror(errno)));
}

worker::FileDescriptor open_regular(const std::string& file) {
  worker::FileDescriptor opened(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!opened) fail("read", file);
  struct stat status {};
  if (::fstat(opened.get(), &status) != 0) fail("read", file);
  if (!S_ISREG(status.st_mode)) throw CommandError(CommandStatus::failed, file + " is not a file");
  if (static_cast<std::size_t>(status.st_size) > max_module_size) {
    throw CommandError(CommandStatus::failed, file + " is larger than 1 GiB, which is no app");
  }
  return opened;
}

void write_all(int memory, const char* bytes, std::size_t size) {
  while (size > 0) {
    const ssize_t written = ::write(memory, bytes, size);
    if (written < 0) fail("keep", "the module in memory");
    bytes += written;
    size -= static_cast<std::size_t>(written);
  }
}

}  // namespace

worker::FileDescriptor make_module_memory(const std::string& name) {
  const std::string label = "wsd:" + std::filesystem::path(name).filename().string().substr(0, 200);
  worker::FileDescriptor memory(::memfd_create(label.c_str(), MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!memory) fail("make memory for", name);
  return memory;
}

void copy_to_module_memory(const std::string& file, int memory) {
  const worker::FileDescriptor source = open_regular(file);
  std::vector<char> buffer(copied_at_once);
  while (true) {
    const ssize_t size = ::read(source.get(), buffer.data(), buffer.size());
    if (size == 0) return;
    if (size < 0) fail("read", file);
    write_all(memory, buffer.data(), static_cast<std::size_t>(size));
  }
}

void seal_module_memory(int memory) {
  constexpr int seals = F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;
  if (::fcntl(memory, F_GET_SEALS) == seals) return;
  if (::fcntl(memory, F_ADD_SEALS, seals) != 0) fail("seal", "the module in memory");
}

}  // namespace wsd::master
