#include "worker/line_file.h"

#include <sys/uio.h>

#include <array>
#include <cerrno>
#include <cstddef>

namespace wsd::worker {

namespace {

// In one piece as far as the kernel is concerned: appends of others come before or behind it.
ssize_t write_once(int descriptor, std::string_view before, std::string_view line) {
  const auto piece = [](std::string_view text) {
    return iovec{.iov_base = const_cast<char*>(text.data()), .iov_len = text.size()};
  };
  const std::array<iovec, 2> pieces{piece(before), piece(line)};
  ssize_t written = 0;
  do {
    written = ::writev(descriptor, pieces.data(), static_cast<int>(pieces.size()));
  } while (written < 0 && errno == EINTR);
  return written;
}

}  // namespace

bool LineFile::try_to_write(std::string_view line) {
  const std::string_view before = torn_ ? "\n" : "";
  const ssize_t written = write_once(descriptor_, before, line);
  if (written > 0) torn_ = static_cast<std::size_t>(written) < before.size() + line.size();
  return written > 0 && !torn_;
}

bool LineFile::write(std::string_view line) {
  if (try_to_write(line)) return true;
  count_lost();
  return false;
}

void LineFile::count_lost() {
  ++lost_;
  ++untold_;
}

}  // namespace wsd::worker
