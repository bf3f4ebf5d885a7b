// The records of the bus that have several fields: how they are written and read.

#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>
#include <vector>

#include "protocol/record.h"
#include "worker/bus.h"
#include "worker/bus_protocol.h"
#include "worker/channel_home.h"
#include "worker/kept_outbox.h"

namespace wsd::worker {

[[nodiscard]] std::uint64_t number(const protocol::RecordReader& record, BusField field);
[[nodiscard]] std::string_view text(const protocol::RecordReader& record, BusField field);

void add_publication(protocol::RecordWriter& record, const Publication& publication);
// Its views are the record's; `excluded` keeps what the publication refers to.
[[nodiscard]] Publication read_publication(const protocol::RecordReader& record, std::vector<ConnectionId>& excluded);

void add_kept(protocol::RecordWriter& record, const KeptPublication& publication);
[[nodiscard]] KeptPublication read_kept(const protocol::RecordReader& record);

void add_members(protocol::RecordWriter& record, const std::vector<Member>& members);
[[nodiscard]] std::vector<Member> read_members(const protocol::RecordReader& record);

// Members and history of a channel's home.
void add_history(protocol::RecordWriter& record, const ChannelHome& home);
[[nodiscard]] std::vector<PastMessage> read_history(const protocol::RecordReader& record);

void add_connection(protocol::RecordWriter& record, const ConnectionReport& report);
[[nodiscard]] ConnectionReport read_connection(const protocol::RecordReader& record);

// Whole records.
[[nodiscard]] protocol::RecordWriter member_record(BusWord word, std::string_view channel, ConnectionId id,
                                                   std::string_view name);
[[nodiscard]] protocol::RecordWriter join_record(std::string_view channel, ConnectionId id, std::string_view name,
                                                 std::uint64_t question, std::uint32_t homes);
[[nodiscard]] protocol::RecordWriter sequence_record(const KeptPublication& publication);
[[nodiscard]] protocol::RecordWriter interest_record(std::string_view channel, bool on);
[[nodiscard]] protocol::RecordWriter homes_record(std::uint32_t homes);

}  // namespace wsd::worker
