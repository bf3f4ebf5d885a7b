#include "tests/wsbench/report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace wsd::bench {
namespace {

using testing::HasSubstr;
using testing::Not;
using namespace std::chrono_literals;

class ReportTest : public testing::Test {
 protected:
  ReportTest() {
    options_.url = Url::parse("ws://127.0.0.1:8080/");
    outcome_.measured = Seconds(2);
    outcome_.events = 2000;
    outcome_.events_per_second = 1000;
    outcome_.bytes_received = 44'000;
    outcome_.rates = {480, 500, 520, 500};
    for (int i = 1; i <= 100; ++i) outcome_.latencies->record(i * 10us);
  }

  std::string text() const { return text_report(options_, outcome_); }
  std::string json() const { return json_report(options_, outcome_); }

  Options options_;
  Outcome outcome_;
};

TEST_F(ReportTest, IsOfWhatWasMeasured) {
  EXPECT_THAT(text(), HasSubstr("  2000 messages in 2.00s, 42.97KB read\n"));
  EXPECT_THAT(text(), HasSubstr("Messages/sec:      1000.00\n"));
  EXPECT_THAT(text(), HasSubstr("Transfer/sec:      21.48KB\n"));
  EXPECT_THAT(text(), HasSubstr("    Msg/Sec      500.00     14.14    520.00    50.00%\n"));
  EXPECT_THAT(text(), Not(HasSubstr("Errors")));
  EXPECT_THAT(json(), HasSubstr(R"("messages":2000,"messages_per_second":1000,)"));
  EXPECT_THAT(json(), HasSubstr(R"("errors":0,)"));
  EXPECT_TRUE(outcome_.is_clean());
}

TEST_F(ReportTest, ShowsPercentilesWhenAsked) {
  EXPECT_THAT(text(), Not(HasSubstr("99%")));
  options_.shows_distribution = true;
  EXPECT_THAT(text(), HasSubstr("       50%   500.10us\n"));
  EXPECT_THAT(text(), HasSubstr("      100%     1.00ms\n"));
}

TEST_F(ReportTest, NamesErrorsAndTheFirstOfThem) {
  outcome_.errors.lost = 3;
  outcome_.errors.closed = 1;
  outcome_.explanations = {"the server left"};
  outcome_.problems = {"process 1 of 2 was killed"};
  EXPECT_THAT(
      text(),
      HasSubstr("  Errors: closed 1, lost 3\n    first: the server left\n  Problem: process 1 of 2 was killed\n"));
  EXPECT_THAT(json(), HasSubstr(R"("errors":4,)"));
  EXPECT_THAT(json(), HasSubstr(R"("problems":["the server left","process 1 of 2 was killed"])"));
  EXPECT_FALSE(outcome_.is_clean());
}

TEST_F(ReportTest, SaysWhatAMessageCosts) {
  outcome_.own_cpu = {Seconds(0.5), Seconds(0.2), Seconds(0.3)};
  EXPECT_THAT(text(), Not(HasSubstr("CPU")));
  outcome_.server_cpu = {Seconds(1), Seconds(0.25), Seconds(0.75)};
  outcome_.busy_server_processes = 1;
  EXPECT_THAT(text(), HasSubstr("  Server CPU: 500.00us a message (125.00 user, 375.00 system), 50% of a core\n"
                                "  wsbench's own: 250.00us a message, 25% of a core\n"));
  EXPECT_THAT(json(), HasSubstr(R"("server_cpu_us_per_message":500,)"));
}

TEST_F(ReportTest, SaysWhenItWasWsbenchThatWasMeasured) {
  options_.processes = 1;
  outcome_.own_cpu.total = Seconds(1.98);
  EXPECT_THAT(text(), HasSubstr("more processes (-t 2)"));
  outcome_.server_cpu = {Seconds(1.99), Seconds(0), Seconds(1.99)};
  outcome_.busy_server_processes = 1;
  EXPECT_THAT(text(), Not(HasSubstr("more processes")));  // the server had no more to give
}

TEST_F(ReportTest, TellsWhatAnIdleConnectionCosts) {
  options_.mode = ModeName::idle;
  options_.connections = 1010;
  outcome_.opened = outcome_.open = 1010;
  outcome_.memory_before = MemoryUse{{8'000'000, 7'000'000, 6'000'000}, 50'000'000, 10};
  outcome_.memory_after = MemoryUse{{8'500'000, 7'450'000, 6'400'000}, 59'000'000, 1010};
  EXPECT_THAT(text(), HasSubstr("500 bytes a connection (RSS; PSS 450, private dirty 400)"));
  EXPECT_THAT(text(), HasSubstr("Kernel memory: 9000 bytes"));
  EXPECT_THAT(json(), HasSubstr(R"("resident_bytes_per_connection":500,)"));
}

TEST_F(ReportTest, ShowsHowFarTheServerFollows) {
  options_.mode = ModeName::connect;
  for (const std::uint64_t done : {1000U, 1995U, 2400U}) {
    StepOutcome& step = outcome_.steps.emplace_back();
    step.rate = 1000 * static_cast<double>(outcome_.steps.size());
    step.length = Seconds(1);
    step.done = done;
    step.own_cores = 0.5;
  }
  outcome_.steps[0].latencies->record(2ms);
  EXPECT_THAT(text(), HasSubstr("         1.00k     1.00k    2.00ms    2.00ms    2.00ms               50%\n"));
  EXPECT_THAT(text(), HasSubstr("         3.00k     2.40k         -         -         -               50%\n"
                                "  Kept up with 2.00k handshakes a second; of 3.00k 2.40k were done\n"));
  EXPECT_THAT(json(), HasSubstr(R"("rate_followed":2000,"steps":[{"rate":1000,"handshakes_per_second":1000,)"));
  outcome_.steps[2].own_cores = 1.96;
  EXPECT_THAT(text(), HasSubstr("of 3.00k 2.40k were done\n  Note: wsbench itself was busy"));
  outcome_.steps.pop_back();
  EXPECT_THAT(text(), HasSubstr("All handshakes were answered as they came"));
  outcome_.steps[0].done = 500;
  EXPECT_THAT(text(), HasSubstr("Kept up not even with the first step; of 1.00k 500.00 were done\n"));
  EXPECT_THAT(json(), HasSubstr(R"("rate_followed":0,)"));
}

TEST_F(ReportTest, TellsHowManyStayed) {
  options_.mode = ModeName::churn;
  options_.stay = 0.9;
  outcome_.opened = 90;
  outcome_.open = 89;
  EXPECT_THAT(text(), HasSubstr("  89 of 90 connections stayed\n"));
  EXPECT_THAT(heading(options_), HasSubstr("10 connections, 90 % of which stay\n"));
}

TEST_F(ReportTest, HasAHeading) {
  options_.rate = 10'000;
  EXPECT_EQ(heading(options_),
            "Running 10s test @ ws://127.0.0.1:8080/\n  2 processes and 10 connections, 10000 messages a second\n");
  options_.final_rate = 20'000;
  EXPECT_THAT(heading(options_), HasSubstr(", 10000 to 20000 messages a second\n"));
}

}  // namespace
}  // namespace wsd::bench
