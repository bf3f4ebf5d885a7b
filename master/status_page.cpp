#include "master/status_page.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <ctime>
#include <iterator>
#include <utility>

#include "master/quantities.h"
#include "master/text_table.h"
#include "protocol/printable_text.h"

namespace wsd::master {

namespace {

constexpr std::string_view between = "      ";  // fields of one line

using Lines = std::vector<std::string>;

std::size_t widest(const Lines& lines) {
  std::size_t width = 0;
  for (const std::string& line : lines) width = std::max(width, count_characters(line));
  return width;
}

// "------- TITLE -------", as wide as the page; without a title, a plain rule.
std::string rule(std::size_t width, std::string_view title = {}) {
  return fmt::format("{:-^{}}\n", title.empty() ? std::string() : fmt::format(" {} ", title), width);
}

std::string joined(const Lines& lines) {
  std::string text;
  for (const std::string& line : lines) text += line + '\n';
  return text;
}

// "3 days 4 hours", "12 minutes 5 seconds": the two largest units.
std::string uptime_text(double uptime_s) {
  constexpr std::array<std::pair<std::uint64_t, std::string_view>, 4> units{
      {{86'400, "day"}, {3'600, "hour"}, {60, "minute"}, {1, "second"}}};
  auto left = static_cast<std::uint64_t>(std::max(0.0, uptime_s));
  std::size_t unit = 0;
  while (unit + 1 < units.size() && left < units[unit].first) ++unit;
  std::string text = counted(left / units[unit].first, units[unit].second);
  if (unit + 1 == units.size()) return text;
  left %= units[unit].first;
  return text + " " + counted(left / units[unit + 1].first, units[unit + 1].second);
}

std::string joined_addresses(const Lines& addresses) {
  std::string text;
  for (const std::string& url : addresses) text += (text.empty() ? "" : " ") + protocol::printable(url);
  return text;
}

std::string addresses_text(const Status& status) {
  std::string text = "listen: " + joined_addresses(status.listen);
  if (!status.api.empty()) text += fmt::format("{}api: {}", between, joined_addresses(status.api));
  return text;
}

// What should not happen, as far as it did.
void add_troubles(Lines& lines, const Status& status) {
  const Counters& totals = status.totals;
  std::string text;
  const auto add = [&text](std::string_view what, std::uint64_t count) {
    if (count > 0) text += fmt::format("{}{}: {}", text.empty() ? std::string_view() : between, what, count);
  };
  add("refused", totals.refused);
  add("rate limited", totals.rate_limited);
  add("closed for slowness", totals.slow_closed);
  add("log lines lost", totals.log_lost);
  add("messages of history lost", status.history_lost);
  if (!text.empty()) lines.push_back(text);
}

Lines global_lines(const Status& status) {
  const std::time_t started = std::chrono::system_clock::to_time_t(status.started_at);
  Lines lines{
      fmt::format("wsd version: {}{}name: {}{}master pid: {}", protocol::printable(status.version), between,
                  protocol::printable(status.name), between, status.pid),
      fmt::format("start time: {:%Y-%m-%d %H:%M:%S}{}run {}{}generation: {}", fmt::localtime(started), between,
                  uptime_text(status.uptime_s), between, status.generation),
      fmt::format("app: {}{}{}", protocol::printable(status.app), between, addresses_text(status)),
      fmt::format("{}{}{} (at most {} per worker){}{} draining", counted(status.workers.size(), "worker"), between,
                  counted(status.totals.connections, "connection"), status.max_connections, between,
                  status.draining.size()) +
          (status.relays.empty() ? "" : fmt::format("{}{} relaying", between, status.relays.size())),
  };
  add_troubles(lines, status);
  return lines;
}

Lines exit_lines(const Status& status) {
  TextTable table({{"unplanned exits"}, {"count", TextTable::Align::right}});
  if (status.exits.empty()) table.add_row({"none", "0"});
  for (const ExitCount& exit : status.exits) table.add_row({exit.status, fmt::format("{}", exit.count)});
  return table.lines();
}

TextTable process_table() {
  constexpr auto right = TextTable::Align::right;
  return TextTable({{"slot"},
                    {"pid", right, 3},
                    {"gen", right, 4},
                    {"memory", right, 2},
                    {"connections", right},
                    {"accepted", right, 5},
                    {"msgs in", right, 1},
                    {"msgs out", right, 1},
                    {"bytes in", right, 6},
                    {"bytes out", right, 6},
                    {"dropped", right},
                    {"errors", right},
                    {"lag ms", right},
                    {"state"}});
}

std::vector<std::string> counter_cells(std::uint64_t rss_bytes, const Counters& counters) {
  std::vector<std::string> cells{rounded_size_text(rss_bytes)};
  for (const std::uint64_t count :
       {counters.connections, counters.accepted, counters.messages_in, counters.messages_out}) {
    cells.push_back(fmt::format("{}", count));
  }
  cells.push_back(rounded_size_text(counters.bytes_in));
  cells.push_back(rounded_size_text(counters.bytes_out));
  cells.push_back(fmt::format("{}", counters.send_dropped + counters.bus_dropped));
  cells.push_back(fmt::format("{}", counters.protocol_errors));
  return cells;
}

void add_worker(TextTable& table, const WorkerStatus& worker) {
  std::vector<std::string> cells{fmt::format("{}", worker.slot), fmt::format("{}", worker.pid),
                                 fmt::format("{}", worker.generation)};
  std::ranges::move(counter_cells(worker.rss_bytes, worker.counters), std::back_inserter(cells));
  cells.push_back(fmt::format("{:.1f}", worker.loop_lag_ms));
  cells.push_back(fmt::format("[{}]", worker.state));
  table.add_row(std::move(cells));
}

void add_summary(TextTable& table, const Status& status) {
  std::uint64_t rss_bytes = 0;
  for (const WorkerStatus& worker : status.workers) rss_bytes += worker.rss_bytes;
  for (const WorkerStatus& worker : status.draining) rss_bytes += worker.rss_bytes;
  for (const WorkerStatus& worker : status.relays) rss_bytes += worker.rss_bytes;
  std::vector<std::string> cells{"Summary", "-", "-"};
  std::ranges::move(counter_cells(rss_bytes, status.totals), std::back_inserter(cells));
  cells.insert(cells.end(), {"-", "[Summary]"});
  table.add_row(std::move(cells));
}

TextTable processes_of(const Status& status) {
  TextTable table = process_table();
  for (const WorkerStatus& worker : status.workers) add_worker(table, worker);
  for (const WorkerStatus& worker : status.draining) add_worker(table, worker);
  for (const WorkerStatus& worker : status.relays) add_worker(table, worker);
  add_summary(table, status);
  return table;
}

Lines listen_lines(const Banner& banner) {
  TextTable table({{"user"}, {"name"}, {"app"}, {"listen"}, {"count", TextTable::Align::right}, {"state"}});
  const auto add = [&](const std::string& app, const std::string& url) {
    table.add_row({banner.user, banner.name, app, protocol::printable(url), fmt::format("{}", banner.count), "[OK]"});
  };
  for (const std::string& url : banner.listen) add(banner.app, url);
  for (const std::string& url : banner.api) add("(api)", url);
  return table.lines();
}

}  // namespace

std::string to_tables(const Status& status, std::size_t columns) {
  const Lines global = global_lines(status);
  const Lines exits = exit_lines(status);
  TextTable table = processes_of(status);
  const Lines left_out = table.fit(columns);
  Lines processes = table.lines();
  std::string summary = processes.back() + '\n';
  processes.pop_back();
  const std::size_t widest_line =
      std::max({widest(global), widest(exits), widest(processes), count_characters(summary) - 1});
  const std::size_t width = std::min(widest_line, columns);
  if (!left_out.empty()) summary += left_out_text(left_out);
  return rule(width, "GLOBAL STATUS") + joined(global) + joined(exits) + rule(width, "PROCESS STATUS") +
         joined(processes) + rule(width) + summary;
}

namespace {

struct Rates {
  double accepted = 0;
  double messages_in = 0;
  double messages_out = 0;
  double bytes_in = 0;
  double bytes_out = 0;
};

Rates rates_of(const Counters& before, const Counters& now, double seconds) {
  const auto rate = [seconds](std::uint64_t from, std::uint64_t to) {
    return seconds > 0 && to > from ? static_cast<double>(to - from) / seconds : 0;
  };
  return {.accepted = rate(before.accepted, now.accepted),
          .messages_in = rate(before.messages_in, now.messages_in),
          .messages_out = rate(before.messages_out, now.messages_out),
          .bytes_in = rate(before.bytes_in, now.bytes_in),
          .bytes_out = rate(before.bytes_out, now.bytes_out)};
}

void add_rates(TextTable& table, std::string name, std::uint64_t connections, const Rates& rates) {
  std::vector<std::string> cells{std::move(name), fmt::format("{}", connections)};
  for (const double rate : {rates.accepted, rates.messages_in, rates.messages_out}) {
    cells.push_back(fmt::format("{:.1f}", rate));
  }
  for (const double rate : {rates.bytes_in, rates.bytes_out}) {
    cells.push_back(rounded_size_text(static_cast<std::uint64_t>(rate)));
  }
  table.add_row(std::move(cells));
}

}  // namespace

std::string rates_table(const Status& before, const Status& now) {
  constexpr auto right = TextTable::Align::right;
  const double seconds = now.uptime_s - before.uptime_s;
  TextTable table({{"slot"},
                   {"connections", right},
                   {"accepted/s", right},
                   {"msgs in/s", right},
                   {"msgs out/s", right},
                   {"bytes in/s", right},
                   {"bytes out/s", right}});
  for (const WorkerStatus& worker : now.workers) {
    const auto earlier = std::ranges::find(before.workers, worker.pid, &WorkerStatus::pid);
    const Counters since = earlier == before.workers.end() ? Counters() : earlier->counters;
    add_rates(table, fmt::format("{}", worker.slot), worker.counters.connections,
              rates_of(since, worker.counters, seconds));
  }
  add_rates(table, "Summary", now.totals.connections, rates_of(before.totals, now.totals, seconds));
  const Lines lines = table.lines();
  return rule(widest(lines), "PER SECOND") + joined(lines);
}

std::string start_banner(const Banner& banner) {
  const std::string versions =
      fmt::format("wsd version: {}{}libuv version: {}{}OpenSSL version: {}", banner.wsd_version, between,
                  banner.libuv_version, between, banner.openssl_version);
  const Lines listen = listen_lines(banner);
  const std::string how_to_stop = !banner.daemon ? "Press Ctrl+C to stop."
                                  : banner.name == "wsd"
                                      ? "Input \"wsd stop\" to stop."
                                      : fmt::format("Input \"wsd stop --name {}\" to stop.", banner.name);
  std::string room = fmt::format("max connections: {} per worker", banner.max_connections);
  if (!banner.log.empty()) room += fmt::format("{}log: {}", between, protocol::printable(banner.log));
  const std::size_t width = std::max({count_characters(versions), count_characters(room), widest(listen)}) + 4;
  return rule(width, "WSD") + versions + '\n' + room + '\n' + rule(width, "WORKERS") + joined(listen) + rule(width) +
         how_to_stop + " Start success.\n";
}

}  // namespace wsd::master
