#include "worker/bus_records.h"

#include <algorithm>
#include <string>

namespace wsd::worker {

using protocol::number_of;
using protocol::RecordReader;
using protocol::RecordWriter;

namespace {

MessageType type_of(std::uint64_t number) {
  return number == 0 ? MessageType::text : MessageType::binary;
}

std::uint64_t number_of_type(MessageType type) {
  return type == MessageType::text ? 0 : 1;
}

void read_excluded(const RecordReader& record, std::vector<ConnectionId>& excluded) {
  excluded.clear();
  for (const std::string_view id : record.find_all(tag(BusField::excluded))) {
    excluded.push_back(number_of(id).value_or(0));
  }
}

}  // namespace

std::uint64_t number(const RecordReader& record, BusField field) {
  return record.number(tag(field)).value_or(0);
}

std::string_view text(const RecordReader& record, BusField field) {
  return record.find(tag(field)).value_or("");
}

void add_publication(RecordWriter& record, const Publication& publication) {
  record.add(tag(BusField::channel), publication.channel);
  if (publication.type != MessageType::text) record.add_number(tag(BusField::type), number_of_type(publication.type));
  if (publication.publisher != 0) record.add_number(tag(BusField::publisher), publication.publisher);
  for (const ConnectionId id : publication.excluded) record.add_number(tag(BusField::excluded), id);
  if (publication.published_ns != 0) {
    record.add_number(tag(BusField::published_ns), publication.published_ns);
    record.add_number(tag(BusField::weight), publication.weight);
  }
  record.add(tag(BusField::data), publication.data);
}

Publication read_publication(const RecordReader& record, std::vector<ConnectionId>& excluded) {
  read_excluded(record, excluded);
  return {.channel = text(record, BusField::channel),
          .data = text(record, BusField::data),
          .type = type_of(number(record, BusField::type)),
          .publisher = number(record, BusField::publisher),
          .excluded = excluded,
          .published_ns = number(record, BusField::published_ns),
          .weight = number(record, BusField::weight)};
}

void add_kept(RecordWriter& record, const KeptPublication& publication) {
  record.add_number(tag(BusField::number), publication.number);
  if (publication.question != 0) record.add_number(tag(BusField::question), publication.question);
  add_publication(record, publication.view());
}

KeptPublication read_kept(const RecordReader& record) {
  std::vector<ConnectionId> excluded;
  return {number(record, BusField::number), read_publication(record, excluded), number(record, BusField::question)};
}

void add_members(RecordWriter& record, const std::vector<Member>& members) {
  for (const Member& member : members) {
    record.add_number(tag(BusField::member_id), member.id);
    record.add(tag(BusField::member_name), member.name);
  }
}

std::vector<Member> read_members(const RecordReader& record) {
  const auto ids = record.find_all(tag(BusField::member_id));
  const auto names = record.find_all(tag(BusField::member_name));
  std::vector<Member> members;
  for (std::size_t i = 0; i < std::min(ids.size(), names.size()); ++i) {
    members.push_back({number_of(ids[i]).value_or(0), names[i]});
  }
  return members;
}

void add_history(RecordWriter& record, const ChannelHome& home) {
  for (const ChannelHome::Past& past : home.history()) {
    record.add_number(tag(BusField::past_type), number_of_type(past.type));
    record.add_number(tag(BusField::past_publisher), past.publisher);
    record.add(tag(BusField::past_data), past.data);
  }
}

std::vector<PastMessage> read_history(const RecordReader& record) {
  const auto types = record.find_all(tag(BusField::past_type));
  const auto publishers = record.find_all(tag(BusField::past_publisher));
  const auto data = record.find_all(tag(BusField::past_data));
  std::vector<PastMessage> history;
  for (std::size_t i = 0; i < std::min({types.size(), publishers.size(), data.size()}); ++i) {
    history.push_back({.data = data[i],
                       .type = type_of(number_of(types[i]).value_or(0)),
                       .publisher = number_of(publishers[i]).value_or(0)});
  }
  return history;
}

void add_connection(RecordWriter& record, const ConnectionReport& report) {
  record.add_number(tag(BusField::found), report.found ? 1 : 0);
  if (!report.found) return;
  record.add_number(tag(BusField::slot), report.slot);
  record.add(tag(BusField::remote_address), report.remote_address);
  record.add(tag(BusField::path), report.path);
  record.add(tag(BusField::subprotocol), report.subprotocol);
  record.add_number(tag(BusField::age_ms), report.age_ms);
  record.add_number(tag(BusField::idle_ms), report.idle_ms);
  record.add_number(tag(BusField::buffered_bytes), report.buffered_bytes);
  record.add_number(tag(BusField::messages_in), report.traffic.messages_in);
  record.add_number(tag(BusField::messages_out), report.traffic.messages_out);
  record.add_number(tag(BusField::bytes_in), report.traffic.bytes_in);
  record.add_number(tag(BusField::bytes_out), report.traffic.bytes_out);
  record.add_number(tag(BusField::deflate), report.deflate ? 1 : 0);
  record.add_number(tag(BusField::tls), static_cast<std::uint64_t>(report.tls));
  for (const std::string& channel : report.channels) record.add(tag(BusField::listed_channel), channel);
}

ConnectionReport read_connection(const RecordReader& record) {
  ConnectionReport report{.found = number(record, BusField::found) != 0,
                          .partial = false,
                          .slot = static_cast<unsigned>(number(record, BusField::slot)),
                          .remote_address = std::string(text(record, BusField::remote_address)),
                          .path = std::string(text(record, BusField::path)),
                          .subprotocol = std::string(text(record, BusField::subprotocol)),
                          .age_ms = number(record, BusField::age_ms),
                          .idle_ms = number(record, BusField::idle_ms),
                          .buffered_bytes = number(record, BusField::buffered_bytes),
                          .traffic = {.messages_in = number(record, BusField::messages_in),
                                      .messages_out = number(record, BusField::messages_out),
                                      .bytes_in = number(record, BusField::bytes_in),
                                      .bytes_out = number(record, BusField::bytes_out)},
                          .deflate = number(record, BusField::deflate) != 0,
                          .tls = static_cast<TlsProtocol>(number(record, BusField::tls)),
                          .channels = {}};
  for (const std::string_view channel : record.find_all(tag(BusField::listed_channel))) {
    report.channels.emplace_back(channel);
  }
  return report;
}

RecordWriter member_record(BusWord word, std::string_view channel, ConnectionId id, std::string_view name) {
  RecordWriter record = bus_record(word);
  record.add(tag(BusField::channel), channel);
  record.add_number(tag(BusField::connection), id);
  record.add(tag(BusField::name), name);
  return record;
}

RecordWriter join_record(std::string_view channel, ConnectionId id, std::string_view name, std::uint64_t question,
                         std::uint32_t homes) {
  RecordWriter record = member_record(BusWord::join, channel, id, name);
  record.add_number(tag(BusField::question), question);
  record.add_number(tag(BusField::homes), homes);
  return record;
}

RecordWriter sequence_record(const KeptPublication& publication) {
  RecordWriter record = bus_record(BusWord::sequence);
  add_kept(record, publication);
  return record;
}

RecordWriter interest_record(std::string_view channel, bool on) {
  RecordWriter record = bus_record(BusWord::interest);
  record.add(tag(BusField::channel), channel);
  record.add_number(tag(BusField::on), on ? 1 : 0);
  return record;
}

RecordWriter homes_record(std::uint32_t homes) {
  RecordWriter record = bus_record(BusWord::homes_changed);
  record.add_number(tag(BusField::homes), homes);
  return record;
}

}  // namespace wsd::worker
