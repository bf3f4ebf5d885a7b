#include "master/log_files.h"

#include <fcntl.h>

#include <cerrno>
#include <cstring>
#include <exception>
#include <utility>

#include "master/exit_status.h"
#include "worker/log.h"
#include "worker/log_outputs.h"

namespace wsd::master {

namespace {

using worker::FileDescriptor;
using worker::LogOutput;

FileDescriptor copy_of(const FileDescriptor& file) {
  FileDescriptor copy(::fcntl(file.get(), F_DUPFD_CLOEXEC, 0));
  if (!copy) throw CommandError(CommandStatus::failed, std::string("no descriptor for a log: ") + std::strerror(errno));
  return copy;
}

void add(OpenedFiles& files, LogOutput output, FileDescriptor descriptor) {
  files.kinds += static_cast<char>(output);
  files.descriptors.push_back(std::move(descriptor));
}

FileDescriptor open(const Option<std::string>& path) try {
  return path.given() ? log::open_file(*path) : FileDescriptor();
} catch (const std::exception& error) {
  throw CommandError(CommandStatus::failed, error.what());
}

}  // namespace

FileDescriptor open_stdout_file(const Options& options) {
  return open(options.stdout_file);
}

AccessLogFile open_access_log(const Options& options) {
  FileDescriptor file = open(options.access_log);
  return file ? std::make_shared<const FileDescriptor>(std::move(file)) : nullptr;
}

OpenedFiles open_log_files(const Options& options, const RunDirectory& directory) {
  OpenedFiles files;
  FileDescriptor output = open_stdout_file(options);
  if (*options.daemon || options.log_file.given()) {
    FileDescriptor log = open_log_file(options, directory);
    // As daemonize() has it.
    if (*options.daemon) add(files, LogOutput::standard_error, copy_of(log));
    if (*options.daemon && !output) output = copy_of(log);
    add(files, LogOutput::log, std::move(log));
  }
  if (FileDescriptor access = open(options.access_log)) add(files, LogOutput::access, std::move(access));
  if (output) add(files, LogOutput::standard_output, std::move(output));
  return files;
}

}  // namespace wsd::master
