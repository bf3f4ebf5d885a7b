#include "worker/connection_row.h"

#include <algorithm>
#include <array>
#include <utility>

#include "protocol/record.h"
#include "worker/record_stream.h"

namespace wsd::worker {

namespace {

constexpr std::uint16_t connection_row_record = 203;

// On the wire: never reuse a number.
enum class Field : protocol::Tag {
  id = 1,
  slot = 2,
  remote = 3,
  path = 4,
  subprotocol = 5,
  age_ms = 6,
  idle_ms = 7,
  messages_in = 8,
  messages_out = 9,
  bytes_in = 10,
  bytes_out = 11,
  queue = 12,
  state = 13,
  deflate = 14,
  tls = 15,
  relayed = 16,
};

constexpr protocol::Tag tag(Field field) {
  return static_cast<protocol::Tag>(field);
}

using State = ConnectionRow::State;
constexpr std::array<std::pair<State, std::string_view>, 5> state_names{{{State::opening, "opening"},
                                                                         {State::open, "open"},
                                                                         {State::paused, "paused"},
                                                                         {State::closing, "closing"},
                                                                         {State::ending, "ending"}}};

std::optional<ConnectionRow> decode(std::span<const std::byte> bytes) {
  const auto record = protocol::RecordReader::parse(bytes);
  if (!record || record->type() != connection_row_record) return std::nullopt;
  const auto number = [&record](Field field) { return record->number(tag(field)).value_or(0); };
  const auto text = [&record](Field field) { return std::string(record->find(tag(field)).value_or("")); };
  return ConnectionRow{.id = number(Field::id),
                       .slot = static_cast<std::uint32_t>(number(Field::slot)),
                       .remote = text(Field::remote),
                       .path = text(Field::path),
                       .subprotocol = text(Field::subprotocol),
                       .age_ms = number(Field::age_ms),
                       .idle_ms = number(Field::idle_ms),
                       .traffic = {.messages_in = number(Field::messages_in),
                                   .messages_out = number(Field::messages_out),
                                   .bytes_in = number(Field::bytes_in),
                                   .bytes_out = number(Field::bytes_out)},
                       .queue = number(Field::queue),
                       .state = static_cast<State>(number(Field::state)),
                       .deflate = number(Field::deflate) != 0,
                       .tls = static_cast<TlsProtocol>(number(Field::tls)),
                       .relayed = number(Field::relayed) != 0};
}

}  // namespace

std::string_view to_string(State state) {
  const auto found = std::ranges::find(state_names, state, &std::pair<State, std::string_view>::first);
  return found == state_names.end() ? "" : found->second;
}

std::vector<std::string> connection_state_names() {
  std::vector<std::string> names;
  for (const auto& [state, name] : state_names) names.emplace_back(name);
  return names;
}

std::optional<State> connection_state_from(std::string_view name) {
  const auto found = std::ranges::find(state_names, name, &std::pair<State, std::string_view>::second);
  return found == state_names.end() ? std::nullopt : std::optional(found->first);
}

void append(std::vector<std::byte>& bytes, const ConnectionRow& row) {
  protocol::RecordWriter record(connection_row_record);
  const auto number = [&record](Field field, std::uint64_t value) {
    if (value != 0) record.add_number(tag(field), value);
  };
  const auto text = [&record](Field field, const std::string& value) {
    if (!value.empty()) record.add(tag(field), value);
  };
  number(Field::id, row.id);
  number(Field::slot, row.slot);
  text(Field::remote, row.remote);
  text(Field::path, row.path);
  text(Field::subprotocol, row.subprotocol);
  number(Field::age_ms, row.age_ms);
  number(Field::idle_ms, row.idle_ms);
  number(Field::messages_in, row.traffic.messages_in);
  number(Field::messages_out, row.traffic.messages_out);
  number(Field::bytes_in, row.traffic.bytes_in);
  number(Field::bytes_out, row.traffic.bytes_out);
  number(Field::queue, row.queue);
  number(Field::state, static_cast<std::uint64_t>(row.state));
  number(Field::deflate, row.deflate ? 1 : 0);
  number(Field::tls, static_cast<std::uint64_t>(row.tls));
  number(Field::relayed, row.relayed ? 1 : 0);
  append_record(bytes, record.bytes());
}

std::optional<std::vector<ConnectionRow>> read_connection_rows(std::span<const std::byte> bytes) {
  std::vector<ConnectionRow> rows;
  while (!bytes.empty()) {
    const auto record = take_record(bytes);
    if (!record) return std::nullopt;
    auto row = decode(*record);
    if (!row) return std::nullopt;
    rows.push_back(std::move(*row));
  }
  return rows;
}

}  // namespace wsd::worker
