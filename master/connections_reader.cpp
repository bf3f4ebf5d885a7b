#include "master/connections_reader.h"

#include <simdjson.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <optional>
#include <span>

namespace wsd::master {

namespace {

std::optional<std::vector<worker::ConnectionRow>> rows_in(const worker::FileDescriptor& memory) {
  struct stat status {};
  if (!memory || ::fstat(memory.get(), &status) != 0) return std::nullopt;
  std::vector<std::byte> bytes(static_cast<std::size_t>(status.st_size));
  for (std::size_t at = 0; at < bytes.size();) {
    const ssize_t count = ::pread(memory.get(), bytes.data() + at, bytes.size() - at, static_cast<off_t>(at));
    if (count <= 0) return std::nullopt;
    at += static_cast<std::size_t>(count);
  }
  return worker::read_connection_rows(bytes);
}

}  // namespace

void ConnectionsReader::take(std::string_view answer, const worker::FileDescriptor& memory) {
  simdjson::dom::parser parser;
  simdjson::dom::element members;
  if (parser.parse(simdjson::padded_string(answer)).get(members) != simdjson::SUCCESS) return;
  std::uint64_t slot = 0;
  if (members.at_key("slot").get(slot) == simdjson::SUCCESS) {
    auto more = rows_in(memory);
    if (more) return void(std::ranges::move(*more, std::back_inserter(rows)));
    missing.push_back(static_cast<unsigned>(slot));
  }
  simdjson::dom::array silent;
  if (members.at_key("missing").get(silent) != simdjson::SUCCESS) return;
  for (const auto one : silent) {
    if (one.get(slot) == simdjson::SUCCESS) missing.push_back(static_cast<unsigned>(slot));
  }
}

}  // namespace wsd::master
