#include "master/older_scoreboard.h"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <stdexcept>
#include <utility>
#include <vector>

#include "tests/unit/master/scoreboard_of_version_1.h"

namespace wsd::master {
namespace {

TEST(OlderScoreboard, OfVersion1IsRead) {
  ScoreboardOfVersion1 memory;
  memory.set(3, ScoreboardOfVersion1::messages_in, 42);
  memory.set(3, ScoreboardOfVersion1::relayed, 7);
  memory.set(1023, ScoreboardOfVersion1::heartbeat_ns, 1);
  const OlderScoreboard scoreboard(memory.descriptor());
  EXPECT_EQ(scoreboard.capacity(), 1024U);
  EXPECT_EQ(scoreboard.folded_capacity(), 0U);
  EXPECT_EQ(scoreboard.row(3).messages_in.get(), 42U);
  EXPECT_EQ(scoreboard.row(3).relayed.get(), 7U);
  EXPECT_EQ(scoreboard.row(3).opened.get(), 0U) << "it had no such field";
  EXPECT_EQ(scoreboard.row(3).message_size.sum(), 0U);
  EXPECT_EQ(scoreboard.row(1023).heartbeat_ns.get(), 1U);
  EXPECT_EQ(scoreboard.master().reloads.get(), 0U);
}

TEST(OlderScoreboard, SeesWhatItsWorkersStillWrite) {
  ScoreboardOfVersion1 memory;
  const OlderScoreboard scoreboard(memory.descriptor());
  memory.set(0, ScoreboardOfVersion1::messages_in, 1);
  EXPECT_EQ(scoreboard.row(0).messages_in.get(), 1U);
}

// As this version's own, should a later one append fields.
TEST(OlderScoreboard, OfVersion2IsReadWithItsTotals) {
  worker::Scoreboard ours = worker::Scoreboard::create();
  ours.open_row(0, 5, 1);
  ours.row(0).opened.add(3);
  ours.close_row(0);
  ours.open_row(1, 6, 1);
  ours.row(1).cpu_ns.add(9);
  ours.master().reloads.add(2);
  const OlderScoreboard scoreboard{worker::FileDescriptor(::dup(ours.descriptor()))};
  EXPECT_EQ(scoreboard.folded(5).opened.get(), 3U);
  EXPECT_EQ(scoreboard.row(1).cpu_ns.get(), 9U);
  EXPECT_EQ(scoreboard.master().reloads.get(), 2U);
}

TEST(OlderScoreboard, OfAVersionToComeIsRefused) {
  ScoreboardOfVersion1 memory;
  memory.set_header(0, worker::Scoreboard::version + 1);
  EXPECT_THROW(OlderScoreboard(memory.descriptor()), std::runtime_error);
}

TEST(OlderScoreboard, WhoseRowsAreNotAllThereIsRefused) {
  ScoreboardOfVersion1 memory;
  memory.set_header(2, 1025);
  EXPECT_THROW(OlderScoreboard(memory.descriptor()), std::runtime_error);
  memory.set_header(2, 1024);
  memory.set_header(1, 136);
  EXPECT_THROW(OlderScoreboard(memory.descriptor()), std::runtime_error);
}

TEST(OlderScoreboard, ThatIsNoneIsRefused) {
  worker::FileDescriptor empty(::memfd_create("test", MFD_CLOEXEC));
  EXPECT_THROW(OlderScoreboard(std::move(empty)), std::runtime_error);
  EXPECT_THROW(OlderScoreboard(worker::FileDescriptor()), std::runtime_error);
}

}  // namespace
}  // namespace wsd::master
