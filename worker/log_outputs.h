// The files of lines that a process has, and how others come in their place (`wsd reopen`). Their descriptors keep
// their numbers: whoever writes to one of them notices nothing.

#pragma once

#include <span>
#include <string_view>

#include "protocol/record.h"
#include "worker/file_descriptor.h"
#include "worker/master_link.h"

namespace wsd::worker {

// The numbers are on the wire: MasterField::files has one for each descriptor of an order.
enum class LogOutput : char {
  log = 'l',
  access = 'a',  // the access log
  standard_output = 'o',
  standard_error = 'e',
};

// What the order `reopen` asks for, done and reported.
void obey_reopen(const protocol::RecordReader& order, std::span<const FileDescriptor> files, int access,
                 MasterLink& master);

// `kinds`: what each of `files` is for. `access`: where this process has its access log, or -1. Throws
// std::runtime_error where one could not be put in place; the others are all the same.
void replace_outputs(std::string_view kinds, std::span<const FileDescriptor> files, int access);

}  // namespace wsd::worker
