#include "worker/log_outputs.h"

#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstring>
#include <exception>
#include <stdexcept>
#include <string>

#include "worker/log.h"

namespace wsd::worker {

namespace {

// -1: this process has none.
int descriptor_of(LogOutput output, int access) {
  switch (output) {
    case LogOutput::log:
      return log::fd();
    case LogOutput::access:
      return access;
    case LogOutput::standard_output:
      return STDOUT_FILENO;
    case LogOutput::standard_error:
      return STDERR_FILENO;
  }
  return -1;  // of a later release
}

}  // namespace

void replace_outputs(std::string_view kinds, std::span<const FileDescriptor> files, int access) {
  if (files.size() < kinds.size()) throw std::runtime_error("it is out of descriptors");
  std::string problem;
  for (std::size_t i = 0; i < kinds.size(); ++i) {
    const int target = descriptor_of(static_cast<LogOutput>(kinds[i]), access);
    if (target >= 0 && !log::replace_file(target, files[i].get())) problem = std::strerror(errno);
  }
  if (!problem.empty()) throw std::runtime_error(problem);
}

void obey_reopen(const protocol::RecordReader& order, std::span<const FileDescriptor> files, int access,
                 MasterLink& master) {
  std::string problem;
  try {
    replace_outputs(order.find(tag(MasterField::files)).value_or(""), files, access);
  } catch (const std::exception& error) {
    problem = error.what();
  }
  master.report_reopened(order.number(tag(MasterField::question)).value_or(0), problem);
}

}  // namespace wsd::worker
