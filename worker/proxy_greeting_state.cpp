#include "worker/proxy_greeting_state.h"

#include <string_view>

namespace wsd::worker {

namespace {

// On the wire: never reuse a number.
enum class Field : protocol::Tag { remote_address = 1, kind = 2, input = 3, due_ms = 4 };

constexpr protocol::Tag tag(Field field) {
  return static_cast<protocol::Tag>(field);
}

}  // namespace

protocol::RecordWriter encode(const ProxyGreetingState& state) {
  protocol::RecordWriter record(proxy_greeting_record);
  record.add(tag(Field::remote_address), state.remote_address);
  record.add_number(tag(Field::kind), static_cast<unsigned char>(state.kind));
  record.add(tag(Field::input), {reinterpret_cast<const char*>(state.input.data()), state.input.size()});
  record.add_number(tag(Field::due_ms), state.due_ms);
  return record;
}

std::optional<ProxyGreetingState> decode_proxy_greeting(std::span<const std::byte> bytes) {
  const auto record = protocol::RecordReader::parse(bytes);
  if (!record || record->type() != proxy_greeting_record) return std::nullopt;
  ProxyGreetingState state;
  state.remote_address = record->find(tag(Field::remote_address)).value_or("");
  if (const auto kind = record->number(tag(Field::kind))) state.kind = static_cast<SocketKind>(*kind);
  const auto input = std::as_bytes(std::span(record->find(tag(Field::input)).value_or("")));
  state.input.assign(input.begin(), input.end());
  state.due_ms = record->number(tag(Field::due_ms)).value_or(0);
  return state;
}

}  // namespace wsd::worker
