// Reads what workers have written about their connections, and puts it together.

#pragma once

#include <string_view>
#include <vector>

#include "worker/connection_row.h"
#include "worker/file_descriptor.h"

namespace wsd::master {

struct ConnectionsReader {
  std::vector<worker::ConnectionRow> rows;
  std::vector<unsigned> missing;  // workers that told nothing

  // `answer`: JSON text of the member (control_protocol.h); `memory`: what came along, if anything did.
  void take(std::string_view answer, const worker::FileDescriptor& memory);
};

}  // namespace wsd::master
