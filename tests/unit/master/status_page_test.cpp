#include "master/status_page.h"

#include <gmock/gmock.h>

#include <set>
#include <sstream>

namespace wsd::master {
namespace {

using testing::ContainsRegex;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;

WorkerStatus worker(unsigned slot) {
  WorkerStatus worker;
  worker.slot = slot;
  worker.pid = 100 + static_cast<pid_t>(slot);
  worker.state = slot == 1 ? "busy" : "running";
  worker.counters = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14};
  worker.rss_bytes = 3 * 1024 * 1024;
  worker.loop_lag_ms = 0.25;
  return worker;
}

Status example() {
  Status status;
  status.name = "chat";
  status.version = "0.1.0";
  status.pid = 99;
  status.started_at = std::chrono::system_clock::from_time_t(1'795'450'321);
  status.uptime_s = 93'784.5;
  status.generation = 2;
  status.app = "push";
  status.max_connections = 9936;
  status.listen = {"ws://0.0.0.0:8080", "ws://[::1]:8080"};
  status.api = {"http://127.0.0.1:8090", "unix:/run/api"};
  status.workers = {worker(0), worker(1)};
  status.draining = {worker(2)};
  status.totals = {3, 1234567890123, 9, 12, 15, 18, 21, 24, 27, 30, 33, 36, 39, 42};
  status.exits = {{"killed by SIGKILL", 1}, {"exit 250", 2}};
  status.history_lost = 45;
  return status;
}

TEST(StatusJson, HasEveryFieldByItsName) {
  Status status = example();
  status.workers = {worker(0)};
  status.draining.clear();
  EXPECT_EQ(
      to_json(status),
      R"({"name":"chat","version":"0.1.0","pid":99,"started_at":"2026-11-23T16:12:01Z","uptime_s":93784.5,)"
      R"("generation":2,"app":"push","max_connections":9936,"listen":["ws://0.0.0.0:8080","ws://[::1]:8080"],)"
      R"("api":["http://127.0.0.1:8090","unix:/run/api"],"workers":[{"slot":0,"pid":100,"generation":1,"state":"running","connections":1,"accepted":2,"messages_in":3,)"
      R"("messages_out":4,"bytes_in":5,"bytes_out":6,"send_dropped":7,"protocol_errors":8,"published":9,"bus_dropped":10,"refused":11,"rate_limited":12,"slow_closed":13,"log_lost":14,"rss_bytes":3145728,)"
      R"("loop_lag_ms":0.25}],"draining":[],"relays":[],"totals":{"connections":3,"accepted":1234567890123,"messages_in":9,)"
      R"("messages_out":12,"bytes_in":15,"bytes_out":18,"send_dropped":21,"protocol_errors":24,"published":27,"bus_dropped":30,"refused":33,"rate_limited":36,"slow_closed":39,"log_lost":42},)"
      R"("exits":[{"status":"killed by SIGKILL","count":1},{"status":"exit 250","count":2}],"history_lost":45})");
}

TEST(StatusJson, TellsOfRelays) {
  Status status = example();
  status.relays = {worker(3)};
  status.relays[0].state = "relaying";
  auto read = status_from_json(to_json(status));
  ASSERT_TRUE(read);
  ASSERT_EQ(read->relays.size(), 1U);
  EXPECT_EQ(read->relays[0].state, "relaying");
  EXPECT_THAT(to_tables(status), testing::AllOf(HasSubstr("1 draining      1 relaying"), HasSubstr("[relaying]")));
}

TEST(StatusJson, IsTheSameAfterItWasRead) {
  const std::string json = to_json(example());
  auto status = status_from_json(json);
  ASSERT_TRUE(status) << status.error();
  EXPECT_EQ(to_json(*status), json);
}

TEST(StatusJson, OfRelease01HasNoApi) {
  Status status = example();
  status.api.clear();
  const std::string whole = to_json(status);
  std::string old = whole;
  old.erase(old.find(R"("api":[],)"), std::string_view(R"("api":[],)").size());
  auto read = status_from_json(old);
  ASSERT_TRUE(read) << read.error();
  EXPECT_EQ(to_json(*read), whole);
}

TEST(StatusJson, RefusesWhatIsNoStatus) {
  for (const char* json : {"", "{}", "[]", "null", R"({"name":1})", R"({"name":"wsd"})"}) {
    EXPECT_FALSE(status_from_json(json)) << json;
  }
}

TEST(StatusTables, ShowServerProcessesAndSummary) {
  const std::string page = to_tables(example());
  EXPECT_THAT(page, HasSubstr("- GLOBAL STATUS -"));
  EXPECT_THAT(page, HasSubstr("- PROCESS STATUS -"));
  EXPECT_THAT(page, HasSubstr("run 1 day 2 hours"));
  EXPECT_THAT(page, HasSubstr("generation: 2"));
  EXPECT_THAT(page,
              HasSubstr("listen: ws://0.0.0.0:8080 ws://[::1]:8080      api: http://127.0.0.1:8090 unix:/run/api\n"));
  EXPECT_THAT(page, HasSubstr("killed by SIGKILL      1\n"));
  EXPECT_THAT(page, HasSubstr("2 workers      3 connections (at most 9936 per worker)      1 draining"));
  EXPECT_THAT(page, HasSubstr("[busy]"));
  EXPECT_THAT(page, EndsWith("[Summary]\n"));
}

TEST(StatusTables, TellWhatWasRefusedAndLostIfAnythingWas) {
  Status status = example();
  EXPECT_THAT(to_tables(status),
              HasSubstr("refused: 33      rate limited: 36      closed for slowness: 39      log lines lost: 42"
                        "      messages of history lost: 45\n"));
  status.totals = {};
  status.history_lost = 0;
  status.totals.log_lost = 1;
  EXPECT_THAT(to_tables(status), HasSubstr("\nlog lines lost: 1\n"));
  status.totals.log_lost = 0;
  EXPECT_THAT(to_tables(status), Not(HasSubstr("lost")));
}

TEST(StatusTables, LineUpProcessesAndSummary) {
  std::istringstream page(to_tables(example()));
  std::set<std::size_t> columns;
  for (std::string line; std::getline(page, line);) {
    EXPECT_THAT(line, Not(EndsWith(" ")));
    if (const std::size_t state = line.find('['); line.ends_with(']') && state != std::string::npos)
      columns.insert(state);
  }
  EXPECT_EQ(columns.size(), 1U);
}

TEST(StatusTables, FitATerminal) {
  const std::string page = to_tables(example(), 80);
  EXPECT_THAT(page, HasSubstr("- PROCESS STATUS -"));
  EXPECT_THAT(page, HasSubstr("[busy]"));
  EXPECT_THAT(page, EndsWith("\nleft out for want of room: bytes in, bytes out, accepted, gen, pid, memory\n"));
  EXPECT_THAT(page.substr(page.find("- PROCESS STATUS -")), Not(ContainsRegex("[^\n]{81}")));
}

TEST(StatusTables, CountTimeInTheTwoLargestUnits) {
  const auto run = [](double uptime_s) {
    Status status = example();
    status.uptime_s = uptime_s;
    return to_tables(status);
  };
  EXPECT_THAT(run(0.9), HasSubstr("run 0 seconds "));
  EXPECT_THAT(run(1), HasSubstr("run 1 second "));
  EXPECT_THAT(run(61), HasSubstr("run 1 minute 1 second "));
  EXPECT_THAT(run(3600), HasSubstr("run 1 hour 0 minutes "));
  EXPECT_THAT(run(-1), HasSubstr("run 0 seconds "));
}

TEST(StatusTables, SayNothingOfAnApiThatIsNotThere) {
  Status status = example();
  status.api.clear();
  EXPECT_THAT(to_tables(status), Not(HasSubstr("api")));
}

TEST(StatusTables, StayPrintable) {
  Status status = example();
  status.app = "\x1B[2J";
  status.exits = {{"\x1B]0;title\a", 1}};
  EXPECT_EQ(to_tables(status).find('\x1B'), std::string::npos);
}

TEST(Banner, SaysWhatIsServedWhereAndHowToStopIt) {
  Banner banner{"0.1.0", "1.44.2", "3.0.17", {"ws://0.0.0.0:8080", "ws://[::1]:81"}, {}, "wsd", "echo", "root", 4,
                9936,    "",       false};
  EXPECT_EQ(start_banner(banner),
            "------------------------------------ WSD -------------------------------------\n"
            "wsd version: 0.1.0      libuv version: 1.44.2      OpenSSL version: 3.0.17\n"
            "max connections: 9936 per worker\n"
            "---------------------------------- WORKERS -----------------------------------\n"
            "user  name  app   listen             count  state\n"
            "root  wsd   echo  ws://0.0.0.0:8080      4  [OK]\n"
            "root  wsd   echo  ws://[::1]:81          4  [OK]\n"
            "------------------------------------------------------------------------------\n"
            "Press Ctrl+C to stop. Start success.\n");
  banner.api = {"unix:/run/api"};
  EXPECT_THAT(start_banner(banner), HasSubstr("root  wsd   (api)  unix:/run/api          4  [OK]\n"));
  banner.daemon = true;
  banner.name = "chat";
  banner.log = "/var/log/wsd/chat.log";
  EXPECT_THAT(start_banner(banner), HasSubstr("\nmax connections: 9936 per worker      log: /var/log/wsd/chat.log\n"));
  EXPECT_THAT(start_banner(banner), EndsWith("Input \"wsd stop --name chat\" to stop. Start success.\n"));
}

}  // namespace
}  // namespace wsd::master
