#include "master/master_state.h"

#include <algorithm>
#include <span>
#include <string_view>

namespace wsd::master {

namespace {

using protocol::RecordReader;
using protocol::RecordWriter;
using protocol::Tag;

// Record types and tags are on the wire between releases: never reuse a number.
enum class Type : std::uint16_t { state = 301, plan = 302, address = 303, worker = 304, exit = 305, tls = 306 };

enum class Field : Tag {
  program = 1,
  last_generation = 2,
  wanted_generation = 3,
  last_key = 4,
  plan = 5,
  address = 6,
  worker = 7,
  scoreboard = 8,
  scoreboard_version = 9,
  folded = 10,  // once per counter, in the order of counters_of()
  exit = 11,
  lock = 12,
  log = 13,
  control = 14,
  waiting_client = 15,
  signal_mask = 16,
  started_at_s = 17,
  started_ns = 18,
  homes = 19,
  ticket_secret = 20,
  address_tables = 23,
  inherited = 26,  // once for each of them
  older_scoreboard = 29,
};
// Keys and values of settings are in order.
enum class PlanField : Tag {
  generation = 1,
  options = 2,
  module = 3,
  api_token = 4,
  tls = 5,
  access_log = 6,
  environment = 7,
  flags = 8,
  setting_key = 9,
  setting_value = 10
};
// Pairs are in order: each field once for each of them.
enum class TlsField : Tag { cert_path = 1, cert = 2, key_path = 3, key = 4, client_ca_path = 5, client_ca = 6 };
enum class AddressField : Tag { asked = 1, real = 2, socket = 3, is_api = 4 };
enum class WorkerField : Tag {
  key = 1,
  pid = 2,
  slot = 3,
  generation = 4,
  link = 5,
  row = 6,
  current = 7,
  serves = 8,
  on_bus = 9,
  relaying = 10,
  board = 11,
};
enum class ExitField : Tag { status = 1, count = 2 };

RecordWriter record(Type type) {
  return RecordWriter(static_cast<std::uint16_t>(type));
}

template <typename F, typename N>
void put(RecordWriter& writer, F field, N number) {
  writer.add_number(static_cast<Tag>(field), static_cast<std::uint64_t>(number));
}

template <typename F>
void put(RecordWriter& writer, F field, const std::string& text) {
  writer.add(static_cast<Tag>(field), text);
}

template <typename F>
void put(RecordWriter& writer, F field, const RecordWriter& nested) {
  const auto bytes = nested.bytes();
  writer.add(static_cast<Tag>(field), bytes);
}

template <typename F, typename N>
void get(const RecordReader& reader, F field, N& number) {
  if (const auto found = reader.number(static_cast<Tag>(field))) number = static_cast<N>(*found);
}

template <typename F>
void get(const RecordReader& reader, F field, std::string& text) {
  text = reader.find(static_cast<Tag>(field)).value_or("");
}

template <typename F, typename N>
void get(const RecordReader& reader, F field, std::vector<N>& numbers) {
  for (const std::string_view value : reader.find_all(static_cast<Tag>(field))) {
    if (const auto number = protocol::number_of(value)) numbers.push_back(static_cast<N>(*number));
  }
}

// Every nested record of this field, given to `read`. False if one of them is no record.
template <typename Read>
bool each(const RecordReader& reader, Field field, Read read) {
  for (const std::string_view bytes : reader.find_all(static_cast<Tag>(field))) {
    const auto nested = RecordReader::parse(std::as_bytes(std::span(bytes)));
    if (!nested) return false;
    read(*nested);
  }
  return true;
}

std::vector<std::uint64_t*> counters_of(Counters& counters) {
  return {&counters.accepted,        &counters.messages_in, &counters.messages_out,
          &counters.bytes_in,        &counters.bytes_out,   &counters.send_dropped,
          &counters.protocol_errors, &counters.published,   &counters.bus_dropped};
}

RecordWriter encode(const worker::TlsMaterial& tls) {
  RecordWriter writer = record(Type::tls);
  for (const worker::TlsKeyPair& pair : tls.pairs) {
    put(writer, TlsField::cert_path, pair.certificate.path);
    put(writer, TlsField::cert, pair.certificate.content);
    put(writer, TlsField::key_path, pair.key.path);
    put(writer, TlsField::key, pair.key.content);
  }
  put(writer, TlsField::client_ca_path, tls.client_ca.path);
  put(writer, TlsField::client_ca, tls.client_ca.content);
  return writer;
}

RecordWriter encode(const MasterState::Plan& plan) {
  RecordWriter writer = record(Type::plan);
  put(writer, PlanField::generation, plan.generation);
  put(writer, PlanField::options, plan.options);
  put(writer, PlanField::module, plan.module);
  put(writer, PlanField::api_token, plan.api_token);
  put(writer, PlanField::tls, encode(plan.tls));
  put(writer, PlanField::access_log, plan.access_log);
  put(writer, PlanField::environment, plan.environment);
  put(writer, PlanField::flags, plan.flags);
  for (const auto& [key, value] : plan.settings) {
    put(writer, PlanField::setting_key, key);
    put(writer, PlanField::setting_value, value);
  }
  return writer;
}

RecordWriter encode(const MasterState::Address& address) {
  RecordWriter writer = record(Type::address);
  put(writer, AddressField::asked, address.asked);
  put(writer, AddressField::real, address.real);
  for (const int socket : address.sockets) put(writer, AddressField::socket, socket);
  put(writer, AddressField::is_api, address.kind == worker::SocketKind::api ? 1 : 0);
  return writer;
}

RecordWriter encode(const MasterState::Worker& worker) {
  RecordWriter writer = record(Type::worker);
  put(writer, WorkerField::key, worker.key);
  put(writer, WorkerField::pid, worker.pid);
  put(writer, WorkerField::slot, worker.slot);
  put(writer, WorkerField::generation, worker.generation);
  put(writer, WorkerField::link, worker.link);
  put(writer, WorkerField::row, worker.row);
  put(writer, WorkerField::current, worker.current ? 1 : 0);
  put(writer, WorkerField::relaying, worker.relaying ? 1 : 0);
  for (const Slot slot : worker.serves) put(writer, WorkerField::serves, slot);
  put(writer, WorkerField::on_bus, worker.on_bus ? 1 : 0);
  put(writer, WorkerField::board, worker.board);
  return writer;
}

RecordWriter encode(const ExitCount& exit) {
  RecordWriter writer = record(Type::exit);
  put(writer, ExitField::status, exit.status);
  put(writer, ExitField::count, exit.count);
  return writer;
}

worker::TlsMaterial read_tls(const RecordReader& reader) {
  const auto all = [&reader](TlsField field) { return reader.find_all(static_cast<Tag>(field)); };
  const auto cert_paths = all(TlsField::cert_path);
  const auto certs = all(TlsField::cert);
  const auto key_paths = all(TlsField::key_path);
  const auto keys = all(TlsField::key);
  worker::TlsMaterial tls;
  const std::size_t count = std::min({cert_paths.size(), certs.size(), key_paths.size(), keys.size()});
  for (std::size_t i = 0; i < count; ++i) {
    tls.pairs.push_back({.certificate = {std::string(cert_paths[i]), std::string(certs[i])},
                         .key = {std::string(key_paths[i]), std::string(keys[i])}});
  }
  get(reader, TlsField::client_ca_path, tls.client_ca.path);
  get(reader, TlsField::client_ca, tls.client_ca.content);
  return tls;
}

void read_settings(const RecordReader& reader, MasterState::Plan& plan) {
  const auto keys = reader.find_all(static_cast<Tag>(PlanField::setting_key));
  const auto values = reader.find_all(static_cast<Tag>(PlanField::setting_value));
  for (std::size_t i = 0; i < std::min(keys.size(), values.size()); ++i) {
    plan.settings.emplace(std::string(keys[i]), std::string(values[i]));
  }
}

void read_plan(const RecordReader& reader, MasterState& state) {
  auto& plan = state.plans.emplace_back();
  get(reader, PlanField::generation, plan.generation);
  get(reader, PlanField::options, plan.options);
  get(reader, PlanField::module, plan.module);
  get(reader, PlanField::api_token, plan.api_token);
  get(reader, PlanField::access_log, plan.access_log);
  const auto tls =
      RecordReader::parse(std::as_bytes(std::span(reader.find(static_cast<Tag>(PlanField::tls)).value_or(""))));
  if (tls) plan.tls = read_tls(*tls);
  get(reader, PlanField::environment, plan.environment);
  get(reader, PlanField::flags, plan.flags);
  read_settings(reader, plan);
}

void read_address(const RecordReader& reader, MasterState& state) {
  auto& address = state.addresses.emplace_back();
  get(reader, AddressField::asked, address.asked);
  get(reader, AddressField::real, address.real);
  get(reader, AddressField::socket, address.sockets);
  bool is_api = false;
  get(reader, AddressField::is_api, is_api);
  const bool is_secure = address.asked.starts_with("wss:");
  address.kind = is_api      ? worker::SocketKind::api
                 : is_secure ? worker::SocketKind::secure
                             : worker::SocketKind::websocket;
}

void read_worker(const RecordReader& reader, MasterState& state) {
  auto& worker = state.workers.emplace_back();
  get(reader, WorkerField::key, worker.key);
  get(reader, WorkerField::pid, worker.pid);
  get(reader, WorkerField::slot, worker.slot);
  get(reader, WorkerField::generation, worker.generation);
  get(reader, WorkerField::link, worker.link);
  get(reader, WorkerField::row, worker.row);
  get(reader, WorkerField::current, worker.current);
  get(reader, WorkerField::relaying, worker.relaying);
  get(reader, WorkerField::serves, worker.serves);
  get(reader, WorkerField::on_bus, worker.on_bus);
  get(reader, WorkerField::board, worker.board);
}

void read_exit(const RecordReader& reader, MasterState& state) {
  auto& exit = state.exits.emplace_back();
  get(reader, ExitField::status, exit.status);
  get(reader, ExitField::count, exit.count);
}

}  // namespace

std::vector<int> MasterState::descriptors() const {
  std::vector<int> all = {scoreboard, lock, log, control, waiting_client, address_tables};
  for (const Plan& plan : plans) {
    all.push_back(plan.module);
    all.push_back(plan.access_log);
  }
  for (const Address& address : addresses) all.insert(all.end(), address.sockets.begin(), address.sockets.end());
  all.insert(all.end(), inherited.begin(), inherited.end());
  for (const Worker& worker : workers) all.push_back(worker.link);
  all.insert(all.end(), older_scoreboards.begin(), older_scoreboards.end());
  std::erase(all, -1);
  return all;
}

RecordWriter encode(const MasterState& state) {
  RecordWriter writer = record(Type::state);
  put(writer, Field::program, state.program);
  put(writer, Field::last_generation, state.last_generation);
  put(writer, Field::wanted_generation, state.wanted_generation);
  put(writer, Field::last_key, state.last_key);
  put(writer, Field::homes, state.homes);
  put(writer, Field::ticket_secret, state.ticket_secret);
  for (const auto& plan : state.plans) put(writer, Field::plan, encode(plan));
  for (const auto& address : state.addresses) put(writer, Field::address, encode(address));
  for (const int socket : state.inherited) put(writer, Field::inherited, socket);
  for (const auto& worker : state.workers) put(writer, Field::worker, encode(worker));
  put(writer, Field::scoreboard, state.scoreboard);
  put(writer, Field::scoreboard_version, state.scoreboard_version);
  for (const int older : state.older_scoreboards) put(writer, Field::older_scoreboard, older);
  Counters folded = state.folded;
  for (const std::uint64_t* counter : counters_of(folded)) put(writer, Field::folded, *counter);
  for (const auto& exit : state.exits) put(writer, Field::exit, encode(exit));
  put(writer, Field::lock, state.lock);
  put(writer, Field::log, state.log);
  put(writer, Field::control, state.control);
  put(writer, Field::waiting_client, state.waiting_client);
  put(writer, Field::address_tables, state.address_tables);
  put(writer, Field::signal_mask, state.signal_mask);
  put(writer, Field::started_at_s, state.started_at_s);
  put(writer, Field::started_ns, state.started_ns);
  return writer;
}

std::optional<MasterState> decode_master_state(std::span<const std::byte> bytes) {
  const auto reader = RecordReader::parse(bytes);
  if (!reader || reader->type() != static_cast<std::uint16_t>(Type::state)) return std::nullopt;
  MasterState state;
  get(*reader, Field::program, state.program);
  get(*reader, Field::last_generation, state.last_generation);
  get(*reader, Field::wanted_generation, state.wanted_generation);
  get(*reader, Field::last_key, state.last_key);
  get(*reader, Field::homes, state.homes);
  get(*reader, Field::ticket_secret, state.ticket_secret);
  const bool whole = each(*reader, Field::plan, [&](const auto& nested) { read_plan(nested, state); }) &&
                     each(*reader, Field::address, [&](const auto& nested) { read_address(nested, state); }) &&
                     each(*reader, Field::worker, [&](const auto& nested) { read_worker(nested, state); }) &&
                     each(*reader, Field::exit, [&](const auto& nested) { read_exit(nested, state); });
  if (!whole) return std::nullopt;
  get(*reader, Field::scoreboard, state.scoreboard);
  get(*reader, Field::scoreboard_version, state.scoreboard_version);
  get(*reader, Field::older_scoreboard, state.older_scoreboards);
  const auto is_lost = [&state](const auto& worker) { return worker.board > state.older_scoreboards.size(); };
  if (std::ranges::any_of(state.workers, is_lost)) return std::nullopt;
  std::vector<std::uint64_t> folded;
  get(*reader, Field::folded, folded);
  const auto counters = counters_of(state.folded);
  for (std::size_t i = 0; i < counters.size() && i < folded.size(); ++i) *counters[i] = folded[i];
  get(*reader, Field::inherited, state.inherited);
  get(*reader, Field::lock, state.lock);
  get(*reader, Field::log, state.log);
  get(*reader, Field::control, state.control);
  get(*reader, Field::waiting_client, state.waiting_client);
  get(*reader, Field::address_tables, state.address_tables);
  get(*reader, Field::signal_mask, state.signal_mask);
  get(*reader, Field::started_at_s, state.started_at_s);
  get(*reader, Field::started_ns, state.started_ns);
  return state;
}

}  // namespace wsd::master
