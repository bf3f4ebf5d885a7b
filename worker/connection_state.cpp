#include "worker/connection_state.h"

#include <string_view>

namespace wsd::worker {

namespace {

// On the wire: never reuse a number.
enum class Field : protocol::Tag {
  id = 1,
  phase = 2,
  remote_address = 3,
  head = 4,
  input = 5,
  output = 6,
  attribute_name = 7,  // followed by its value
  attribute_value = 8,
  visible = 9,
  paused = 10,
  full = 11,
  clean = 12,
  peer_closed = 13,
  close_code = 14,
  close_reason = 15,
  due_ms = 16,
  last_message_ms = 17,
  last_ping_ms = 18,
  message_begun_ms = 19,
  missed_pings = 20,
  opened_ms = 21,
  subscription = 22,  // a record within the record
  relay_end_ms = 23,
  closed_by = 29,
  relay = 24,
  server_window_bits = 30,  // this and the next: only if permessage-deflate was agreed on
  client_window_bits = 31,
  server_takeover = 32,
  client_takeover = 33,
  inflate_window = 34,
  messages_in = 35,
  messages_out = 36,
  bytes_in = 37,
  bytes_out = 38,
  tls = 39,
};

// Of a subscription's own record.
constexpr std::uint16_t subscription_record = 202;
enum class SubscriptionField : protocol::Tag {
  channel = 1,
  name = 2,
  question = 3,
  asked_name = 4,
  joined = 5,
  kept = 6,
};

constexpr protocol::Tag tag(SubscriptionField field) {
  return static_cast<protocol::Tag>(field);
}

constexpr protocol::Tag tag(Field field) {
  return static_cast<protocol::Tag>(field);
}

// Fields that have their default are left out: most connections are idle, and then a record is small.
class Writer {
 public:
  void number(Field field, std::uint64_t value, std::uint64_t unless = 0) {
    if (value != unless) record.add_number(tag(field), value);
  }
  template <typename Bytes>  // that a record takes
  void bytes(Field field, const Bytes& value) {
    if (!value.empty()) record.add(tag(field), value);
  }

  protocol::RecordWriter record{connection_record};
};

class Reader {
 public:
  explicit Reader(const protocol::RecordReader& record) : record_(record) {}

  template <typename T>
  void number(Field field, T& value) const {
    if (const auto found = record_.number(tag(field))) value = static_cast<T>(*found);
  }
  void bytes(Field field, std::string& value) const { value = record_.find(tag(field)).value_or(""); }
  void bytes(Field field, std::vector<std::byte>& value) const {
    const auto found = std::as_bytes(std::span(record_.find(tag(field)).value_or("")));
    value.assign(found.begin(), found.end());
  }

 private:
  const protocol::RecordReader& record_;
};

protocol::RecordWriter encode(const SubscriptionState& state) {
  protocol::RecordWriter record(subscription_record);
  record.add(tag(SubscriptionField::channel), state.channel);
  record.add(tag(SubscriptionField::name), state.name);
  record.add_number(tag(SubscriptionField::question), state.question);
  record.add(tag(SubscriptionField::asked_name), state.asked_name);
  record.add_number(tag(SubscriptionField::joined), state.joined ? 1 : 0);
  record.add_number(tag(SubscriptionField::kept), state.kept ? 1 : 0);
  return record;
}

std::optional<SubscriptionState> decode_subscription(std::string_view bytes) {
  const auto record = protocol::RecordReader::parse(std::as_bytes(std::span(bytes)));
  if (!record || record->type() != subscription_record) return std::nullopt;
  SubscriptionState state{.channel = std::string(record->find(tag(SubscriptionField::channel)).value_or("")),
                          .name = std::string(record->find(tag(SubscriptionField::name)).value_or("")),
                          .question = record->number(tag(SubscriptionField::question)).value_or(0),
                          .asked_name = std::string(record->find(tag(SubscriptionField::asked_name)).value_or("")),
                          .joined = record->number(tag(SubscriptionField::joined)).value_or(0) != 0,
                          .kept = record->number(tag(SubscriptionField::kept)).value_or(0) != 0};
  if (state.channel.empty()) return std::nullopt;
  return state;
}

void encode_deflate(Writer& writer, const protocol::DeflateParameters& deflate) {
  writer.number(Field::server_window_bits, deflate.server_window_bits);
  writer.number(Field::client_window_bits, deflate.client_window_bits);
  writer.number(Field::server_takeover, deflate.server_takeover == protocol::ContextTakeover::yes ? 1 : 0);
  writer.number(Field::client_takeover, deflate.client_takeover == protocol::ContextTakeover::yes ? 1 : 0);
}

// False if there are some that zlib could not be given.
bool decode_deflate(const Reader& reader, ConnectionState& state) {
  std::uint64_t server_bits = 0;
  std::uint64_t client_bits = 0;
  reader.number(Field::server_window_bits, server_bits);
  reader.number(Field::client_window_bits, client_bits);
  reader.bytes(Field::inflate_window, state.inflate_window);
  if (server_bits == 0 && client_bits == 0) return state.inflate_window.empty();
  using protocol::max_deflate_window_bits;
  if (server_bits < protocol::min_deflate_window_bits || server_bits > max_deflate_window_bits) return false;
  if (client_bits < 8 || client_bits > max_deflate_window_bits) return false;
  auto& deflate = state.deflate.emplace();
  deflate.server_window_bits = static_cast<std::uint8_t>(server_bits);
  deflate.client_window_bits = static_cast<std::uint8_t>(client_bits);
  bool takes_over = false;
  reader.number(Field::server_takeover, takes_over);
  deflate.server_takeover = takes_over ? protocol::ContextTakeover::yes : protocol::ContextTakeover::no;
  takes_over = false;
  reader.number(Field::client_takeover, takes_over);
  deflate.client_takeover = takes_over ? protocol::ContextTakeover::yes : protocol::ContextTakeover::no;
  return state.inflate_window.size() <= std::size_t{1} << max_deflate_window_bits;
}

bool travels(std::uint64_t phase) {
  return phase >= static_cast<std::uint64_t>(ConnectionState::Phase::opening) &&
         phase <= static_cast<std::uint64_t>(ConnectionState::Phase::lingering);
}

}  // namespace

protocol::RecordWriter encode(const ConnectionState& state) {
  Writer writer;
  writer.number(Field::id, state.id);
  writer.number(Field::phase, static_cast<std::uint64_t>(state.phase));
  writer.bytes(Field::remote_address, state.remote_address);
  writer.bytes(Field::head, state.head);
  writer.bytes(Field::input, state.input);
  writer.bytes(Field::output, state.output);
  for (const auto& [name, value] : state.attributes) {
    writer.record.add(tag(Field::attribute_name), name);
    writer.record.add(tag(Field::attribute_value), value);
  }
  for (const SubscriptionState& subscription : state.subscriptions) {
    writer.bytes(Field::subscription, encode(subscription).bytes());
  }
  if (state.deflate) encode_deflate(writer, *state.deflate);
  writer.bytes(Field::inflate_window, state.inflate_window);
  writer.number(Field::messages_in, state.traffic.messages_in);
  writer.number(Field::messages_out, state.traffic.messages_out);
  writer.number(Field::bytes_in, state.traffic.bytes_in);
  writer.number(Field::bytes_out, state.traffic.bytes_out);
  writer.number(Field::tls, static_cast<std::uint64_t>(state.tls));
  writer.number(Field::visible, state.visible ? 1 : 0);
  writer.number(Field::paused, state.paused ? 1 : 0);
  writer.number(Field::full, state.full ? 1 : 0);
  writer.number(Field::clean, state.clean ? 1 : 0);
  writer.number(Field::peer_closed, state.peer_closed ? 1 : 0);
  writer.number(Field::close_code, state.close_code, ConnectionState{}.close_code);
  writer.bytes(Field::close_reason, state.close_reason);
  writer.number(Field::due_ms, state.due_ms);
  writer.number(Field::relay_end_ms, state.relay_end_ms);
  writer.number(Field::relay, state.relay);
  writer.number(Field::opened_ms, state.opened_ms);
  writer.number(Field::last_message_ms, state.last_message_ms);
  writer.number(Field::last_ping_ms, state.last_ping_ms);
  writer.number(Field::message_begun_ms, state.message_begun_ms);
  writer.number(Field::missed_pings, state.missed_pings);
  writer.number(Field::closed_by, state.closed_by);
  return std::move(writer.record);
}

std::optional<ConnectionState> decode_connection(std::span<const std::byte> bytes) {
  const auto record = protocol::RecordReader::parse(bytes);
  if (!record || record->type() != connection_record) return std::nullopt;
  const Reader reader(*record);
  ConnectionState state;
  reader.number(Field::id, state.id);
  std::uint64_t phase = 0;
  reader.number(Field::phase, phase);
  if (state.id == 0 || !travels(phase)) return std::nullopt;
  state.phase = static_cast<ConnectionState::Phase>(phase);
  reader.bytes(Field::remote_address, state.remote_address);
  reader.bytes(Field::head, state.head);
  reader.bytes(Field::input, state.input);
  reader.bytes(Field::output, state.output);
  const auto names = record->find_all(tag(Field::attribute_name));
  const auto values = record->find_all(tag(Field::attribute_value));
  if (names.size() != values.size()) return std::nullopt;
  for (std::size_t i = 0; i < names.size(); ++i) state.attributes.emplace_back(names[i], values[i]);
  for (const std::string_view field : record->find_all(tag(Field::subscription))) {
    auto subscription = decode_subscription(field);
    if (!subscription) return std::nullopt;
    state.subscriptions.push_back(std::move(*subscription));
  }
  if (!decode_deflate(reader, state)) return std::nullopt;
  reader.number(Field::messages_in, state.traffic.messages_in);
  reader.number(Field::messages_out, state.traffic.messages_out);
  reader.number(Field::bytes_in, state.traffic.bytes_in);
  reader.number(Field::bytes_out, state.traffic.bytes_out);
  reader.number(Field::tls, state.tls);
  reader.number(Field::visible, state.visible);
  reader.number(Field::paused, state.paused);
  reader.number(Field::full, state.full);
  reader.number(Field::clean, state.clean);
  reader.number(Field::peer_closed, state.peer_closed);
  reader.number(Field::close_code, state.close_code);
  reader.bytes(Field::close_reason, state.close_reason);
  reader.number(Field::due_ms, state.due_ms);
  reader.number(Field::relay_end_ms, state.relay_end_ms);
  reader.number(Field::relay, state.relay);
  reader.number(Field::opened_ms, state.opened_ms);
  reader.number(Field::last_message_ms, state.last_message_ms);
  reader.number(Field::last_ping_ms, state.last_ping_ms);
  reader.number(Field::message_begun_ms, state.message_begun_ms);
  reader.number(Field::missed_pings, state.missed_pings);
  reader.number(Field::closed_by, state.closed_by);
  return state;
}

}  // namespace wsd::worker
