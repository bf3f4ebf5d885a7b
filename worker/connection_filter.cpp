#include "worker/connection_filter.h"

#include <span>

#include "protocol/trusted_proxies.h"

namespace wsd::worker {

namespace {

constexpr std::uint16_t connection_filter_record = 204;

// On the wire: never reuse a number.
enum class Field : protocol::Tag {
  slot = 1,
  remote = 2,
  path = 3,
  state = 4,
  min_age_ms = 5,
  min_idle_ms = 6,
  min_queue = 7
};

constexpr protocol::Tag tag(Field field) {
  return static_cast<protocol::Tag>(field);
}

}  // namespace

bool is_remote_filter(std::string_view remote) {
  return remote.empty() || remote == protocol::TrustedProxies::unix_peer || protocol::IpNetwork::parse(remote);
}

protocol::RecordWriter encode(const ConnectionFilter& filter) {
  protocol::RecordWriter record(connection_filter_record);
  if (filter.slot) record.add_number(tag(Field::slot), *filter.slot);
  record.add(tag(Field::remote), filter.remote);
  record.add(tag(Field::path), filter.path);
  if (filter.state) record.add_number(tag(Field::state), static_cast<std::uint64_t>(*filter.state));
  record.add_number(tag(Field::min_age_ms), filter.min_age_ms);
  record.add_number(tag(Field::min_idle_ms), filter.min_idle_ms);
  record.add_number(tag(Field::min_queue), filter.min_queue);
  return record;
}

ConnectionFilter decode_filter(std::string_view bytes) {
  const auto record = protocol::RecordReader::parse(std::as_bytes(std::span(bytes)));
  ConnectionFilter filter;
  if (!record || record->type() != connection_filter_record) return filter;
  const auto number = [&record](Field field) { return record->number(tag(field)).value_or(0); };
  if (const auto slot = record->number(tag(Field::slot))) filter.slot = static_cast<std::uint32_t>(*slot);
  filter.remote = record->find(tag(Field::remote)).value_or("");
  filter.path = record->find(tag(Field::path)).value_or("");
  if (const auto state = record->number(tag(Field::state))) filter.state = static_cast<ConnectionRow::State>(*state);
  filter.min_age_ms = number(Field::min_age_ms);
  filter.min_idle_ms = number(Field::min_idle_ms);
  filter.min_queue = number(Field::min_queue);
  return filter;
}

ConnectionSieve::ConnectionSieve(const ConnectionFilter& filter)
    : filter_(filter), network_(protocol::IpNetwork::parse(filter.remote)) {}

bool ConnectionSieve::lets_through(const ConnectionRow& row) const {
  return (!filter_.slot || *filter_.slot == row.slot) && (!filter_.state || *filter_.state == row.state) &&
         row.age_ms >= filter_.min_age_ms && row.idle_ms >= filter_.min_idle_ms && row.queue >= filter_.min_queue &&
         row.path.starts_with(filter_.path) && is_remote(row.remote);
}

bool ConnectionSieve::is_remote(std::string_view remote) const {
  if (filter_.remote.empty()) return true;
  if (!network_) return remote == filter_.remote;
  const auto address = protocol::IpAddress::parse(remote);
  return address && network_->contains(*address);
}

}  // namespace wsd::worker
