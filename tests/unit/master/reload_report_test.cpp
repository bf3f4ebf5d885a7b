#include "master/reload_report.h"

#include <gtest/gtest.h>

#include <chrono>

namespace wsd::master {
namespace {

using std::chrono::microseconds;

TEST(ReloadReport, PausesHaveThreeDigitsAndNoExponent) {
  const auto shown = [](microseconds pause) {
    return progress_text(2, {.key = {}, .connections = 70, .pause = pause});
  };
  EXPECT_EQ(shown(microseconds(1234)), "slot 2: 70 connections kept, pause 1.23 ms");
  EXPECT_EQ(shown(microseconds(256'700)), "slot 2: 70 connections kept, pause 257 ms");
  EXPECT_EQ(shown(microseconds(1'040'300)), "slot 2: 70 connections kept, pause 1040 ms");
}

TEST(ReloadReport, OneIsOne) {
  EXPECT_EQ(progress_text(0, {.key = {}, .connections = 1, .pause = microseconds(1234)}),
            "slot 0: 1 connection kept, pause 1.23 ms");
  ReloadReport report;
  report.generation = 2;
  report.workers = 1;
  report.connections_kept = 1;
  report.longest_pause = microseconds(1234);
  EXPECT_EQ(to_text(report), "generation 2: 1 worker, 1 connection kept, 0 draining, longest pause 1.23 ms");
}

}  // namespace
}  // namespace wsd::master
