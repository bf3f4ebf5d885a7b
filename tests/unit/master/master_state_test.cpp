#include "master/master_state.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

namespace wsd::master {
namespace {

// As release 0.1 wrote it.
std::string recording(const std::string& name) {
  std::ifstream file(std::filesystem::path(WSD_SOURCE_DIR) / "tests/fuzz/corpus/master_state" / name, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::optional<MasterState> decoded(const std::string& bytes) {
  return decode_master_state(std::as_bytes(std::span(bytes)));
}

TEST(MasterState, OfRelease01IsUnderstood) {
  const auto state = decoded(recording("two_slots_and_one_draining"));
  ASSERT_TRUE(state);
  EXPECT_EQ(state->program, "/usr/bin/wsd");
  EXPECT_EQ(state->last_generation, 4U);
  EXPECT_EQ(state->wanted_generation, 3U);
  EXPECT_EQ(state->last_key, 12U);
  ASSERT_EQ(state->plans.size(), 2U);
  EXPECT_EQ(state->plans[0], (MasterState::Plan{3, R"({"app":"echo","count":2})", -1, "", {}}));
  EXPECT_EQ(state->plans[1].module, 17);
  ASSERT_EQ(state->addresses.size(), 1U);
  EXPECT_EQ(state->addresses[0],
            (MasterState::Address{"ws://127.0.0.1:0", "ws://127.0.0.1:43121", {5, 6}, worker::SocketKind::websocket}));
  ASSERT_EQ(state->workers.size(), 3U);
  EXPECT_EQ(state->workers[1], (MasterState::Worker{12, 4712, 1, 3, 9, 1, true, false, {1, 0}, false}));
  EXPECT_FALSE(state->workers[2].current);
  EXPECT_EQ(state->folded.accepted, 1U);
  EXPECT_EQ(state->folded.protocol_errors, 7U);
  ASSERT_EQ(state->exits.size(), 2U);
  EXPECT_EQ(state->exits[0], (ExitCount{"killed by SIGKILL", 2}));
  EXPECT_EQ(state->waiting_client, 12);
  EXPECT_EQ(state->started_at_s, 1795000000);
}

TEST(MasterState, OfRelease01KnowsNoBus) {
  const auto state = decoded(recording("two_slots_and_one_draining"));
  ASSERT_TRUE(state);
  EXPECT_EQ(state->homes, 0U);
  for (const auto& worker : state->workers) EXPECT_FALSE(worker.on_bus);
}

TEST(MasterState, RemembersWhoIsOnTheBus) {
  auto state = decoded(recording("two_slots_and_one_draining"));
  ASSERT_TRUE(state);
  state->homes = 2;
  state->workers[1].on_bus = true;
  EXPECT_EQ(decode_master_state(encode(*state).bytes()), state);
}

TEST(MasterState, RemembersAccessLogsAndTablesOfAddresses) {
  auto state = decoded(recording("two_slots_and_one_draining"));
  ASSERT_TRUE(state);
  EXPECT_EQ(state->address_tables, -1);
  state->plans[0].access_log = 71;
  state->address_tables = 72;
  EXPECT_EQ(decode_master_state(encode(*state).bytes()), state);
  EXPECT_THAT(state->descriptors(), testing::IsSupersetOf({71, 72}));
}

TEST(MasterState, RemembersTheApiAndItsToken) {
  auto state = decoded(recording("two_slots_and_one_draining"));
  ASSERT_TRUE(state);
  state->plans[0].api_token = "a secret of some length";
  state->plans[0].tls.pairs = {{.certificate = {"/etc/a.pem", "certificate"}, .key = {"/etc/a.key", "key\n"}},
                               {.certificate = {"/etc/b.pem", ""}, .key = {"/etc/b.key", "another"}}};
  state->plans[0].tls.client_ca = {"/etc/ca.pem", "authority"};
  state->ticket_secret = std::string("\0binary", 7);
  state->addresses.push_back({"unix:/run/api", "unix:/run/api", {7, -1, 8}, worker::SocketKind::api});
  state->addresses.push_back({"wss://0.0.0.0:443", "wss://0.0.0.0:443", {9}, worker::SocketKind::secure});
  state->workers[0].relaying = true;
  EXPECT_EQ(decode_master_state(encode(*state).bytes()), state);
}

TEST(MasterState, RemembersOnWhichScoreboardAWorkerWrites) {
  auto state = decoded(recording("two_slots_and_one_draining"));
  ASSERT_TRUE(state);
  state->older_scoreboards = {20, 21};
  state->workers[1].board = 2;
  EXPECT_EQ(decode_master_state(encode(*state).bytes()), state);
  const auto descriptors = state->descriptors();
  EXPECT_EQ(std::ranges::count(descriptors, 20) + std::ranges::count(descriptors, 21), 2);
  state->workers[1].board = 3;
  EXPECT_EQ(decode_master_state(encode(*state).bytes()), std::nullopt) << "there is no such scoreboard";
}

TEST(MasterState, RemembersTheSocketsOfAServiceManager) {
  auto state = decoded(recording("two_slots_and_one_draining"));
  ASSERT_TRUE(state);
  EXPECT_TRUE(state->inherited.empty());
  state->inherited = {20, 21};
  EXPECT_EQ(decode_master_state(encode(*state).bytes()), state);
  EXPECT_EQ(std::ranges::count(state->descriptors(), 21), 1);
}

TEST(MasterState, RemembersTheLayersOfOptions) {
  auto state = decoded(recording("two_slots_and_one_draining"));
  ASSERT_TRUE(state);
  EXPECT_EQ(state->plans[0].flags, "") << "of the release before";
  state->plans[0].environment = R"({"count":2})";
  state->plans[0].flags = R"({"app":"push"})";
  state->plans[0].settings = {{"a", "1"}, {"empty", ""}, {"token", "se=cret\n"}};
  EXPECT_EQ(decode_master_state(encode(*state).bytes()), state);
}

TEST(MasterState, SurvivesAnotherJourney) {
  for (const char* name : {"two_slots_and_one_draining", "bare"}) {
    const auto state = decoded(recording(name));
    ASSERT_TRUE(state);
    EXPECT_EQ(decode_master_state(encode(*state).bytes()), state) << name;
  }
}

TEST(MasterState, NamesEveryDescriptorOnceAndNoneThatIsNotThere) {
  const auto state = decoded(recording("two_slots_and_one_draining"));
  ASSERT_TRUE(state);
  auto descriptors = state->descriptors();
  std::ranges::sort(descriptors);
  EXPECT_EQ(descriptors, (std::vector<int>{2, 3, 4, 5, 6, 8, 9, 10, 11, 12, 17}));
}

TEST(MasterState, IsRefusedWhenCutAtAnyByte) {
  const std::string whole = recording("two_slots_and_one_draining");
  const auto state = decoded(whole);
  for (std::size_t size = 0; size < whole.size(); ++size) {
    EXPECT_NE(decoded(whole.substr(0, size)), state) << "cut after byte " << size;
  }
}

}  // namespace
}  // namespace wsd::master
