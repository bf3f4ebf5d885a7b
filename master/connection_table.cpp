#include "master/connection_table.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <compare>
#include <cstdint>

#include "master/nearest_word.h"
#include "master/quantities.h"
#include "master/text_table.h"
#include "protocol/json_writer.h"
#include "protocol/printable_text.h"

namespace wsd::master {

namespace {

using worker::ConnectionRow;

constexpr std::size_t longest_cell = 60;  // characters of what a client has said

// "12s", "3m05s", "2h10m", "4d06h".
std::string time_text(std::uint64_t ms) {
  const std::uint64_t seconds = ms / 1000;
  if (seconds < 60) return fmt::format("{}s", seconds);
  if (seconds < 3600) return fmt::format("{}m{:02}s", seconds / 60, seconds % 60);
  if (seconds < 86'400) return fmt::format("{}h{:02}m", seconds / 3600, seconds % 3600 / 60);
  return fmt::format("{}d{:02}h", seconds / 86'400, seconds % 86'400 / 3600);
}

// Printable first, since an escape must not be cut.
std::string shortened(std::string_view text) {
  std::string shown = protocol::printable(text);
  if (count_characters(shown) <= longest_cell) return shown;
  std::size_t end = 0;
  for (std::size_t characters = 0; characters < longest_cell; ++characters) {
    ++end;
    while (end < shown.size() && (static_cast<unsigned char>(shown[end]) & 0xC0U) == 0x80) ++end;
  }
  return shown.substr(0, end) + "…";
}

std::string tls_text(const ConnectionRow& row) {
  return fmt::format("{}{}", to_string(row.tls), row.relayed ? " relay" : "");
}

// A column: what it is called, how it is shown, and which of two rows comes first by it.
struct Column {
  std::string_view name;     // for --sort
  std::string_view heading;  // of the table
  TextTable::Align align;
  unsigned spare;  // as TextTable::Column has it
  std::string (*cell)(const ConnectionRow& row);
  bool (*comes_first)(const ConnectionRow& one, const ConnectionRow& other);
};

template <auto Member>
bool is_less(const ConnectionRow& one, const ConnectionRow& other) {
  return one.*Member < other.*Member;
}
template <auto Member>
bool is_more(const ConnectionRow& one, const ConnectionRow& other) {
  return one.*Member > other.*Member;
}
template <auto Member>
bool has_more(const ConnectionRow& one, const ConnectionRow& other) {
  return one.traffic.*Member > other.traffic.*Member;
}

constexpr auto left = TextTable::Align::left;
constexpr auto right = TextTable::Align::right;
using Row = ConnectionRow;
using worker::Traffic;

constexpr auto columns = std::to_array<Column>({
    {"id", "id", right, 0, [](const Row& row) { return fmt::format("{}", row.id); }, is_less<&Row::id>},
    {"worker", "worker", right, 3, [](const Row& row) { return fmt::format("{}", row.slot); }, is_less<&Row::slot>},
    {"remote", "remote", left, 0, [](const Row& row) { return shortened(row.remote); }, is_less<&Row::remote>},
    {"path", "path", left, 0, [](const Row& row) { return shortened(row.path); }, is_less<&Row::path>},
    {"subprotocol", "subprotocol", left, 9, [](const Row& row) { return shortened(row.subprotocol); },
     is_less<&Row::subprotocol>},
    {"age", "age", right, 0, [](const Row& row) { return time_text(row.age_ms); }, is_more<&Row::age_ms>},
    {"idle", "idle", right, 0, [](const Row& row) { return time_text(row.idle_ms); }, is_more<&Row::idle_ms>},
    {"messages_in", "msgs in", right, 2, [](const Row& row) { return fmt::format("{}", row.traffic.messages_in); },
     has_more<&Traffic::messages_in>},
    {"messages_out", "msgs out", right, 2, [](const Row& row) { return fmt::format("{}", row.traffic.messages_out); },
     has_more<&Traffic::messages_out>},
    {"bytes_in", "bytes in", right, 5, [](const Row& row) { return rounded_size_text(row.traffic.bytes_in); },
     has_more<&Traffic::bytes_in>},
    {"bytes_out", "bytes out", right, 5, [](const Row& row) { return rounded_size_text(row.traffic.bytes_out); },
     has_more<&Traffic::bytes_out>},
    {"queue", "queue", right, 0, [](const Row& row) { return rounded_size_text(row.queue); }, is_more<&Row::queue>},
    {"deflate", "deflate", left, 8, [](const Row& row) { return std::string(row.deflate ? "yes" : "no"); },
     is_more<&Row::deflate>},
    {"tls", "tls", left, 4, [](const Row& row) { return tls_text(row); }, is_more<&Row::tls>},
    {"state", "state", left, 0, [](const Row& row) { return fmt::format("[{}]", to_string(row.state)); },
     is_less<&Row::state>},
});

const Column* find_column(std::string_view name) {
  const auto found = std::ranges::find(columns, name, &Column::name);
  return found == columns.end() ? nullptr : &*found;
}

std::size_t shown_of(const std::vector<ConnectionRow>& rows, std::size_t limit) {
  return limit == 0 ? rows.size() : std::min(rows.size(), limit);
}

void write(protocol::JsonWriter& json, const ConnectionRow& row) {
  json.begin_object();
  json.field("id", std::to_string(row.id));
  json.field("worker", row.slot);
  json.field("remote", row.remote);
  json.field("path", row.path);
  json.field("subprotocol", row.subprotocol);
  json.field("age_ms", row.age_ms);
  json.field("idle_ms", row.idle_ms);
  json.field("messages_in", row.traffic.messages_in);
  json.field("messages_out", row.traffic.messages_out);
  json.field("bytes_in", row.traffic.bytes_in);
  json.field("bytes_out", row.traffic.bytes_out);
  json.field("queue", row.queue);
  json.field("deflate", row.deflate);
  json.field("tls", to_string(row.tls));
  json.field("relayed", row.relayed);
  json.field("state", to_string(row.state));
  json.end_object();
}

}  // namespace

std::vector<std::string> connection_columns() {
  std::vector<std::string> names;
  for (const Column& column : columns) names.emplace_back(column.name);
  return names;
}

std::optional<std::string> problem_with_column(std::string_view column) {
  if (find_column(column) != nullptr) return std::nullopt;
  const std::vector<std::string> names = connection_columns();
  const std::string nearest = nearest_word(column, names);
  return fmt::format("--sort has no column '{}'{} there are {}", protocol::printable(column),
                     nearest.empty() ? ":" : fmt::format(": the nearest is '{}', and", nearest),
                     fmt::join(names, ", "));
}

void sort_connections(std::vector<ConnectionRow>& rows, std::string_view column) {
  std::ranges::sort(rows, {}, &ConnectionRow::id);
  if (const Column* const by = find_column(column)) std::ranges::stable_sort(rows, by->comes_first);
}

std::string connections_table(const std::vector<ConnectionRow>& rows, const TableView& view,
                              const std::vector<unsigned>& missing) {
  std::vector<TextTable::Column> headings;
  for (const Column& column : columns) {
    const unsigned spare = column.name == view.sorted_by ? 0 : column.spare;
    headings.push_back({std::string(column.heading), column.align, spare});
  }
  TextTable table(std::move(headings));
  const std::size_t shown = shown_of(rows, view.limit);
  for (std::size_t i = 0; i < shown; ++i) {
    std::vector<std::string> cells;
    for (const Column& column : columns) cells.push_back(column.cell(rows[i]));
    table.add_row(std::move(cells));
  }
  const std::vector<std::string> left_out = table.fit(view.columns);
  std::string text;
  for (const std::string& line : table.lines()) text += line + '\n';
  text += fmt::format("{}{}\n", counted(rows.size(), "connection"),
                      shown < rows.size() ? fmt::format(", {} shown", shown) : "");
  if (!left_out.empty()) text += left_out_text(left_out);
  for (const unsigned slot : missing) {
    text += fmt::format("worker {} did not answer in time: its connections are missing\n", slot);
  }
  return text;
}

std::string connections_json(const std::vector<ConnectionRow>& rows, std::size_t limit,
                             const std::vector<unsigned>& missing) {
  protocol::JsonWriter json;
  json.begin_object();
  json.key("connections");
  json.begin_array();
  for (std::size_t i = 0; i < shown_of(rows, limit); ++i) write(json, rows[i]);
  json.end_array();
  json.field("total", rows.size());
  json.key("missing");
  json.begin_array();
  for (const unsigned slot : missing) json.value(slot);
  json.end_array();
  json.end_object();
  return json.take();
}

}  // namespace wsd::master
