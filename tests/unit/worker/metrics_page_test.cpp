#include "worker/metrics_page.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <regex>
#include <set>
#include <sstream>
#include <string>

namespace wsd::worker {
namespace {

using testing::HasSubstr;
using testing::Not;

MetricsMoment moment(std::uint64_t now_ns = 20'000'000'000) {
  return {.now_ns = now_ns, .version = "1.2.3", .tls_library = "3.0.9", .memory_of = [](std::uint64_t pid) {
            return pid * 1000;
          }};
}

class MetricsPage : public testing::Test {
 protected:
  ScoreboardRow& worker(std::size_t row, std::uint16_t slot, std::uint64_t pid) {
    scoreboard.open_row(row, slot, 1);
    scoreboard.set_pid(row, pid);
    scoreboard.row(row).connection_limit.set(1000);
    return scoreboard.row(row);
  }
  [[nodiscard]] std::string page() const { return metrics_page(scoreboard.read(), moment()); }

  Scoreboard scoreboard = Scoreboard::create();
};

TEST_F(MetricsPage, HasACounterForEachSlot) {
  worker(0, 0, 1).messages_in.add(5);
  worker(1, 3, 2).messages_in.add(7);
  EXPECT_THAT(page(), HasSubstr("# HELP wsd_messages_received_total Whole data messages received from clients.\n"
                                "# TYPE wsd_messages_received_total counter\n"
                                "wsd_messages_received_total{slot=\"0\"} 5\n"
                                "wsd_messages_received_total{slot=\"3\"} 7\n"));
}

TEST_F(MetricsPage, NoCounterGoesBackWhenAWorkerIsReplaced) {
  worker(0, 0, 1).messages_in.add(5);
  scoreboard.row(0).connections.set(2);
  scoreboard.close_row(0);
  worker(0, 0, 2).messages_in.add(1);
  EXPECT_THAT(page(), HasSubstr("wsd_messages_received_total{slot=\"0\"} 6\n"));
  EXPECT_THAT(page(), HasSubstr("wsd_connections{slot=\"0\"} 0\n"));
}

TEST_F(MetricsPage, ASlotWhoseProcessesAreGoneKeepsItsCountersAlone) {
  worker(0, 4, 1).messages_in.add(5);
  scoreboard.close_row(0);
  EXPECT_THAT(page(), HasSubstr("wsd_messages_received_total{slot=\"4\"} 5\n"));
  EXPECT_THAT(page(), Not(HasSubstr("wsd_connections{slot=\"4\"}")));
}

TEST_F(MetricsPage, SumsWhatTheProcessesOfASlotHave) {
  worker(0, 0, 1).connections.set(5);
  worker(1, 0, 2).connections.set(7);
  scoreboard.row(1).connection_limit.set(0);  // a relay
  scoreboard.row(1).relayed.set(4);
  scoreboard.row(0).loop_lag_ms.set(12);
  scoreboard.row(0).history_messages.set(3);
  EXPECT_THAT(page(), HasSubstr("wsd_connections{slot=\"0\"} 12\n"));
  EXPECT_THAT(page(), HasSubstr("wsd_relayed_connections{slot=\"0\"} 4\n"));
  EXPECT_THAT(page(), HasSubstr("wsd_connection_limit{slot=\"0\"} 1000\n"));
  EXPECT_THAT(page(), HasSubstr("wsd_history_messages{slot=\"0\"} 3\n"));
  EXPECT_THAT(page(), HasSubstr("wsd_processes{slot=\"0\"} 2\n"));
  EXPECT_THAT(page(), HasSubstr("wsd_resident_memory_bytes{slot=\"0\"} 3000\n"));
  EXPECT_THAT(page(), HasSubstr("wsd_loop_lag_seconds{slot=\"0\"} 0.012\n"));
}

TEST_F(MetricsPage, CountsTheWorkersThatShowLife) {
  worker(0, 0, 1).heartbeat_ns.set(19'500'000'000);
  worker(1, 1, 2).heartbeat_ns.set(1'000'000'000);
  worker(2, 2, 3);  // has not begun
  scoreboard.master().slots.set(3);
  EXPECT_THAT(page(), HasSubstr("\nwsd_workers 1\n"));
  EXPECT_THAT(page(), HasSubstr("\nwsd_workers_expected 3\n"));
  EXPECT_THAT(page(), HasSubstr("wsd_heartbeat_age_seconds{slot=\"0\"} 0.5\n"));
  EXPECT_THAT(page(), HasSubstr("wsd_heartbeat_age_seconds{slot=\"1\"} 19\n"));
  EXPECT_THAT(page(), Not(HasSubstr("wsd_heartbeat_age_seconds{slot=\"2\"}")));
}

TEST_F(MetricsPage, HasHistogramsOfTheWholeServer) {
  worker(0, 0, 1).message_size.add(20);
  worker(1, 1, 2).message_size.add(16);
  scoreboard.row(1).message_size.add(1 << 30U);
  scoreboard.row(0).callback_ns.add(1'000'000, 16);
  const std::string text = page();
  EXPECT_THAT(text, HasSubstr("# TYPE wsd_message_size_bytes histogram\n"
                              "wsd_message_size_bytes_bucket{le=\"16\"} 1\n"
                              "wsd_message_size_bytes_bucket{le=\"32\"} 2\n"));
  EXPECT_THAT(text, HasSubstr("wsd_message_size_bytes_bucket{le=\"67108864\"} 2\n"
                              "wsd_message_size_bytes_bucket{le=\"+Inf\"} 3\n"
                              "wsd_message_size_bytes_sum 1073741860\n"
                              "wsd_message_size_bytes_count 3\n"));
  EXPECT_THAT(text, HasSubstr("wsd_callback_duration_seconds_bucket{le=\"0.000524288\"} 0\n"
                              "wsd_callback_duration_seconds_bucket{le=\"0.001048576\"} 16\n"));
  EXPECT_THAT(text, HasSubstr("wsd_callback_duration_seconds_sum 0.016\n"));
}

TEST_F(MetricsPage, TellsWhatTheMasterCounts) {
  MasterCounters& master = scoreboard.master();
  master.pid.set(7);
  master.generation.set(3);
  master.started_at_s.set(1'700'000'000);
  master.reloads.add(2);
  master.reloads_failed.add(1);
  master.exits_crashed.add(4);
  const std::string text = page();
  EXPECT_THAT(text, HasSubstr("wsd_generation 3\n"));
  EXPECT_THAT(text, HasSubstr("wsd_start_time_seconds 1700000000\n"));
  EXPECT_THAT(text, HasSubstr("wsd_reloads_total{result=\"done\"} 2\nwsd_reloads_total{result=\"failed\"} 1\n"));
  EXPECT_THAT(text,
              HasSubstr("wsd_worker_exits_total{kind=\"crashed\"} 4\nwsd_worker_exits_total{kind=\"killed\"} 0\n"));
  EXPECT_THAT(text, HasSubstr("wsd_master_resident_memory_bytes 7000\n"));
  EXPECT_THAT(text, HasSubstr("wsd_build_info{version=\"1.2.3\",openssl=\"3.0.9\"} 1\n"));
}

TEST_F(MetricsPage, EscapesLabels) {
  EXPECT_EQ(escape_label("a\"b\\c\nd"), R"(a\"b\\c\nd)");
}

// https://prometheus.io/docs/instrumenting/exposition_formats/
TEST_F(MetricsPage, IsInTheFormatOfVersion004) {
  worker(0, 0, 1);
  const std::regex help(R"(# HELP (wsd_[a-z_]+) .+)");
  const std::regex type(R"(# TYPE (wsd_[a-z_]+) (counter|gauge|histogram))");
  const std::regex sample(R"((wsd_[a-z_]+)(\{[a-z]+="[^"]*"(,[a-z]+="[^"]*")*\})? [0-9.e+-]+)");
  std::set<std::string> seen;
  std::string current;
  std::string kind;
  std::istringstream lines(page());
  for (std::string line; std::getline(lines, line);) {
    std::smatch match;
    if (std::regex_match(line, match, help)) {
      ASSERT_TRUE(seen.insert(match[1]).second) << "all lines of a metric stand together: " << line;
      current = match[1];
    } else if (std::regex_match(line, match, type)) {
      ASSERT_EQ(match[1], current);
      kind = match[2];
      ASSERT_EQ(kind == "counter", current.ends_with("_total")) << line;
    } else {
      ASSERT_TRUE(std::regex_match(line, match, sample)) << line;
      ASSERT_TRUE(match[1] == current || (kind == "histogram" && match[1].str().starts_with(current))) << line;
    }
  }
  EXPECT_GT(seen.size(), 25U);
}

// ---- what is written about them -------------------------------------------------------------------------------------

std::string file(const std::string& name) {
  std::ifstream stream(std::filesystem::path(WSD_SOURCE_DIR) / name);
  return {std::istreambuf_iterator<char>(stream), {}};
}

std::set<std::string> words_in(const std::string& text, const std::string& pattern) {
  const std::regex regex(pattern);
  std::set<std::string> words;
  for (std::sregex_iterator match(text.begin(), text.end(), regex), end; match != end; ++match) {
    words.insert((*match)[1]);
  }
  return words;
}

std::set<std::string> all_metrics() {
  Scoreboard scoreboard = Scoreboard::create();
  scoreboard.open_row(0, 0, 1);
  scoreboard.master().pid.set(1);
  return words_in(metrics_page(scoreboard.read(), moment()), "# TYPE (wsd_[a-z_]+)");
}

// The series that queries may name.
std::set<std::string> all_series() {
  std::set<std::string> series;
  Scoreboard scoreboard = Scoreboard::create();
  scoreboard.open_row(0, 0, 1);
  scoreboard.row(0).heartbeat_ns.set(1);
  scoreboard.row(0).connection_limit.set(1);
  scoreboard.master().pid.set(1);
  return words_in(metrics_page(scoreboard.read(), moment()), "(?:^|\n)(wsd_[a-z_]+)[ {]");
}

TEST(MetricsDocument, HasARowForEachMetricAndForNoOther) {
  EXPECT_EQ(words_in(file("docs/metrics.md"), R"(\n\| `(wsd_[a-z_]+)`)"), all_metrics());
}

TEST(MetricsDashboard, AsksOnlyForWhatThereIs) {
  const auto asked = words_in(file("docs/examples/grafana.json"), "(wsd_[a-z_]+)");
  EXPECT_GT(asked.size(), 10U);
  for (const std::string& name : asked) EXPECT_TRUE(all_series().contains(name)) << name;
}

TEST(MetricsAlerts, AskOnlyForWhatThereIs) {
  const auto asked = words_in(file("docs/examples/wsd-alerts.yml"), "(wsd_[a-z_]+)");
  EXPECT_GT(asked.size(), 8U);
  for (const std::string& name : asked) EXPECT_TRUE(all_series().contains(name)) << name;
}

}  // namespace
}  // namespace wsd::worker
