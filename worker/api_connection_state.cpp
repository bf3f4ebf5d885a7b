#include "worker/api_connection_state.h"

#include <string_view>

namespace wsd::worker {

namespace {

// On the wire: never reuse a number.
enum class Field : protocol::Tag { remote_address = 1, input = 2, output = 3, ending = 4 };

constexpr protocol::Tag tag(Field field) {
  return static_cast<protocol::Tag>(field);
}

std::vector<std::byte> bytes_in(const protocol::RecordReader& record, Field field) {
  const auto bytes = std::as_bytes(std::span(record.find(tag(field)).value_or("")));
  return {bytes.begin(), bytes.end()};
}

}  // namespace

protocol::RecordWriter encode(const ApiConnectionState& state) {
  protocol::RecordWriter record(api_connection_record);
  record.add(tag(Field::remote_address), state.remote_address);
  record.add(tag(Field::input), state.input);
  record.add(tag(Field::output), state.output);
  record.add_number(tag(Field::ending), state.ending ? 1 : 0);
  return record;
}

std::optional<ApiConnectionState> decode_api_connection(std::span<const std::byte> bytes) {
  const auto record = protocol::RecordReader::parse(bytes);
  if (!record || record->type() != api_connection_record) return std::nullopt;
  return ApiConnectionState{.remote_address = std::string(record->find(tag(Field::remote_address)).value_or("")),
                            .input = bytes_in(*record, Field::input),
                            .output = bytes_in(*record, Field::output),
                            .ending = record->number(tag(Field::ending)).value_or(0) != 0};
}

}  // namespace wsd::worker
