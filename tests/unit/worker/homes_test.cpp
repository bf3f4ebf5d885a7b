#include "worker/homes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tests/unit/worker/support/bus_worker.h"
#include "worker/bus_records.h"

namespace wsd::worker {
namespace {

using protocol::RecordReader;
using protocol::RecordWriter;
using testing::ElementsAre;
using testing::IsEmpty;

// A home's client only says what channels keep (support/bus_worker.h).
class HomesTest : public testing::Test, public SlotSender {
 protected:
  void send(std::uint16_t slot, std::span<const std::byte> bytes) override {
    const auto record = RecordReader::parse(bytes);
    told_.push_back(std::to_string(slot) + ": " + text_of(*record));
  }
  bool send_publication(std::uint16_t slot, std::span<const std::byte> bytes) override {
    if (slot == 13) return false;
    send(slot, bytes);
    return true;
  }
  static std::string text_of(const RecordReader& record) {
    switch (static_cast<BusWord>(record.type())) {
      case BusWord::sequenced:
        return "said " + std::string(text(record, BusField::data)) + " from " +
               std::to_string(number(record, BusField::origin)) + " #" +
               std::to_string(number(record, BusField::number));
      case BusWord::member_joined:
        return "+" + std::string(text(record, BusField::name)) + " " + std::to_string(number(record, BusField::count));
      case BusWord::member_left:
        return "-" + std::string(text(record, BusField::name)) + " " + std::to_string(number(record, BusField::count));
      case BusWord::members:
        return "members" + list_of(record);
      case BusWord::expect:
        return "expect " + std::to_string(number(record, BusField::slots));
      case BusWord::join_answer: {
        std::string answer = number(record, BusField::accepted) != 0 ? "yes" : "no";
        answer += list_of(record) + " of " + std::to_string(number(record, BusField::count));
        for (const PastMessage& past : read_history(record)) answer += " \"" + std::string(past.data) + "\"";
        return answer + (number(record, BusField::history_lost) != 0 ? " lost" : "");
      }
      default:
        return "?";
    }
  }
  static std::string list_of(const RecordReader& record) {
    std::string list;
    for (const Member& member : read_members(record)) list += " " + std::string(member.name);
    return list;
  }
  std::vector<std::string> told() { return std::exchange(told_, {}); }

  static RecordWriter record(BusWord word, std::string_view channel, ConnectionId id, std::string_view name) {
    RecordWriter record = bus_record(word);
    record.add(tag(BusField::channel), channel);
    record.add_number(tag(BusField::connection), id);
    record.add(tag(BusField::name), name);
    return record;
  }
  void join(std::string_view channel, ConnectionId id, std::string_view name) {
    homes_.handle_join(slot_of(id), *RecordReader::parse(record(BusWord::join, channel, id, name).bytes()));
  }
  void leave(std::string_view channel, ConnectionId id) {
    homes_.handle_leave(*RecordReader::parse(record(BusWord::leave, channel, id, "").bytes()));
  }
  void rejoin(std::string_view channel, ConnectionId id, std::string_view name) {
    homes_.handle_rejoin(*RecordReader::parse(record(BusWord::rejoin, channel, id, name).bytes()));
  }
  void take_named() {
    homes_.take_named([](std::string_view channel) { return !channel.ends_with("elsewhere"); });
  }
  void publish(std::string_view channel, std::string_view data, std::uint64_t its_number, std::uint64_t question = 0) {
    RecordWriter sequence = bus_record(BusWord::sequence);
    add_kept(sequence, KeptPublication(its_number, {channel, data, MessageType::text, 0, {}}, question));
    homes_.handle_sequence(2, *RecordReader::parse(sequence.bytes()));
  }
  std::size_t known() const {
    std::size_t count = 0;
    homes_.for_each_state([&](const std::string&, const RecordWriter&) { ++count; });
    return count;
  }

  test::BusWorker client_{0, 1, 1};
  InterestTable interest_;
  std::vector<std::string> told_;
  Homes homes_{*this, interest_, client_, client_.counters};
};

bool nobody_is_late(std::uint16_t) {
  return false;
}

constexpr ConnectionId ann = first_id_of(1) | 1;
constexpr ConnectionId bob = first_id_of(2) | 1;

TEST_F(HomesTest, AMessageGoesToEverySlotThatIsInterested) {
  interest_.add("hist", 1);
  interest_.add("hist", 3);
  interest_.add("other", 4);
  publish("hist", "hello", 7);
  EXPECT_THAT(told(), ElementsAre("1: said hello from 2 #7", "3: said hello from 2 #7"));
  publish("hist", "counted", 8, 99);
  EXPECT_THAT(told(), ElementsAre("1: said counted from 2 #8", "3: said counted from 2 #8", "2: expect 2"));
  interest_.add("hist", 13);  // which is too far behind
  publish("hist", "counted", 9, 99);
  EXPECT_THAT(told(), ElementsAre("1: said counted from 2 #9", "3: said counted from 2 #9", "2: expect 2"));
  publish("hist2", "nobody", 9, 99);
  EXPECT_THAT(told(), ElementsAre("2: expect 0"));
}

TEST_F(HomesTest, WhoIsThereHearsOfANewMemberBeforeItGetsItsAnswer) {
  interest_.add("room", 1);
  interest_.add("room", 2);
  join("room", ann, "Ann");
  EXPECT_THAT(told(), ElementsAre("1: +Ann 1", "2: +Ann 1", "1: yes Ann of 1"));
  publish("room", "hello", 1);
  told();
  join("room", bob, "Bob");
  EXPECT_THAT(told(), ElementsAre("1: +Bob 2", "2: +Bob 2", "2: yes Ann Bob of 2 \"hello\""));
  join("room", bob, "Ann");
  EXPECT_THAT(told(), ElementsAre("2: no of 0"));
  join("room", bob, "Rob");
  EXPECT_THAT(told(), ElementsAre("1: -Bob 1", "2: -Bob 1", "1: +Rob 2", "2: +Rob 2", "2: yes Ann Rob of 2 \"hello\""));
  leave("room", ann);
  leave("room", ann);
  EXPECT_THAT(told(), ElementsAre("1: -Ann 1", "2: -Ann 1"));
}

TEST_F(HomesTest, TheMembersOfASlotThatDiedLeave) {
  interest_.add("room", 2);
  interest_.add("pres", 2);
  join("room", ann, "Ann");
  join("room", bob, "Bob");
  join("pres", ann, "Ann");
  told();
  homes_.drop_slot(1);
  EXPECT_THAT(told(), testing::UnorderedElementsAre("2: -Ann 1", "2: -Ann 0"));
  EXPECT_EQ(known(), 1U) << "the channel that nobody is in is forgotten";
}

TEST_F(HomesTest, AfterACrashTheMembersAreThoseWhoWereNamedAndHistoryIsLost) {
  interest_.add("room", 1);
  rejoin("room", ann, "Ann");
  rejoin("room", bob, "Bob");
  rejoin("room elsewhere", bob, "Bob");
  EXPECT_THAT(told(), IsEmpty()) << "not one by one";
  take_named();
  EXPECT_THAT(told(), ElementsAre("1: members Ann Bob"));
  take_named();
  EXPECT_THAT(told(), IsEmpty());
  join("room", bob, "Bob");
  EXPECT_THAT(told(), ElementsAre("2: yes Ann Bob of 2 lost"));
  for (std::uint64_t i = 1; i <= 3; ++i) publish("room", std::to_string(i), i);
  told();
  join("room", bob, "Bob");
  EXPECT_THAT(told(), ElementsAre("2: yes Ann Bob of 2 \"1\" \"2\" \"3\""));
  EXPECT_EQ(known(), 1U);
}

TEST_F(HomesTest, WhoDiedBeforeItWasTakenIsNoMember) {
  rejoin("room", ann, "Ann");
  rejoin("room", bob, "Bob");
  homes_.drop_slot(1);
  take_named();
  EXPECT_EQ(homes_.members_of("room").size(), 1U);
}

TEST_F(HomesTest, WhatAnotherHomeKnewIsKnownAndMembersWhoAreNotNamedHaveLeft) {
  interest_.add("room", 1);
  test::BusWorker other_client(1, 1, 1);
  Homes old(*this, interest_, other_client, other_client.counters);
  old.handle_join(1, *RecordReader::parse(record(BusWord::join, "room", ann, "Ann").bytes()));
  old.handle_join(2, *RecordReader::parse(record(BusWord::join, "room", bob, "Bob").bytes()));
  old.handle_join(2, *RecordReader::parse(record(BusWord::join, "room", bob + 1, "Cid").bytes()));
  RecordWriter said = bus_record(BusWord::sequence);
  add_kept(said, KeptPublication(1, {"room", "hello", MessageType::text, 0, {}}, 0));
  old.handle_sequence(2, *RecordReader::parse(said.bytes()));
  told();
  old.for_each_state([&](const std::string& channel, const RecordWriter& state) {
    homes_.take_state(*RecordReader::parse(state.bytes()));
    homes_.note_given(channel);
  });
  rejoin("room", bob, "an older name");
  homes_.drop_unnamed([](std::string_view, ConnectionId id) { return id == bob + 1; }, nobody_is_late);
  take_named();
  EXPECT_THAT(told(), ElementsAre("1: -Ann 2"));
  join("room", bob, "Bob");
  EXPECT_THAT(told(), ElementsAre("2: yes Bob Cid of 2 \"hello\"")) << "as the old home knew it, and nothing is lost";
  homes_.drop_unnamed([](std::string_view, ConnectionId) { return false; }, nobody_is_late);
  EXPECT_THAT(told(), IsEmpty()) << "once";
}

TEST_F(HomesTest, WhoLeavesBeforeItWasTakenIsNoMember) {
  rejoin("room", ann, "Ann");
  rejoin("room", bob, "Bob");
  leave("room", ann);
  take_named();
  EXPECT_EQ(homes_.members_of("room").size(), 1U);
}

TEST_F(HomesTest, TheScoreboardSaysHowMuchHistoryWouldBeLost) {
  using Kept = std::pair<std::uint64_t, std::uint64_t>;
  const auto kept = [this] {
    return Kept(client_.counters.history_messages.get(), client_.counters.history_channels.get());
  };
  publish("hist", "one", 1);
  publish("hist", "two", 2);
  publish("room", "hello", 3);
  publish("pres", "which keeps none", 4);
  EXPECT_EQ(kept(), Kept(3U, 2U));
  for (std::uint64_t number = 5; number < 15; ++number) publish("hist", "more than it keeps", number);
  EXPECT_EQ(kept(), Kept(5U, 2U));

  test::BusWorker successor(0, 2, 1);
  Homes next(*this, interest_, successor, successor.counters);
  homes_.for_each_state(
      [&](const std::string&, const RecordWriter& state) { next.take_state(*RecordReader::parse(state.bytes())); });
  homes_.hand_over();
  EXPECT_EQ(kept(), Kept(0U, 0U));
  EXPECT_EQ(successor.counters.history_messages.get(), 5U);
  EXPECT_EQ(successor.counters.history_channels.get(), 2U);
  next.forget("hist");
  EXPECT_EQ(successor.counters.history_messages.get(), 1U);
  EXPECT_EQ(successor.counters.history_channels.get(), 1U);
}

class LateSlotTest : public HomesTest {
 protected:
  LateSlotTest() {
    interest_.add("room", 1);
    old_.handle_join(1, *RecordReader::parse(record(BusWord::join, "room", ann, "Ann").bytes()));
    old_.handle_join(2, *RecordReader::parse(record(BusWord::join, "room", bob, "Bob").bytes()));
    old_.handle_join(2, *RecordReader::parse(record(BusWord::join, "room", bob + 1, "Cid").bytes()));
    told();
  }
  RecordWriter old_state() const {
    std::optional<RecordWriter> state;
    old_.for_each_state([&](const std::string&, const RecordWriter& record) { state = record; });
    return *state;
  }
  static bool slot_2_is_late(std::uint16_t slot) { return slot == 2; }
  static bool nobody_is_open(std::string_view, ConnectionId) { return false; }
  // The step is taken without slot 2.
  void take_step() {
    homes_.take_state(*RecordReader::parse(old_state().bytes()));
    homes_.note_given("room");
    rejoin("room", ann, "Ann");
    homes_.drop_unnamed(nobody_is_open, slot_2_is_late);
    take_named();
  }

  test::BusWorker other_client_{1, 1, 1};
  Homes old_{*this, interest_, other_client_, other_client_.counters};
};

TEST_F(LateSlotTest, ItsMembersStayUntilItHasNamedThem) {
  take_step();
  EXPECT_THAT(told(), IsEmpty());
  rejoin("room", bob, "Bob");
  take_named();
  homes_.drop_suspects(slot_2_is_late);
  EXPECT_THAT(told(), IsEmpty());
  homes_.drop_suspects(nobody_is_late);
  EXPECT_THAT(told(), ElementsAre("1: -Cid 2"));
  homes_.drop_suspects(nobody_is_late);
  EXPECT_THAT(told(), IsEmpty()) << "once";
}

TEST_F(LateSlotTest, WhoAsksOrLeavesMeanwhileIsNoSuspectAnyMore) {
  take_step();
  join("room", bob, "Bob");
  leave("room", bob + 1);
  told();
  homes_.drop_suspects(nobody_is_late);
  EXPECT_THAT(told(), IsEmpty());
  EXPECT_EQ(homes_.members_of("room").size(), 2U);
}

TEST_F(LateSlotTest, WhatTheOldHomeSaysAfterTheStepIsBelievedOfLateSlotsAlone) {
  rejoin("room", bob, "Bob");
  take_named();
  told();
  homes_.take_late_state(*RecordReader::parse(old_state().bytes()), slot_2_is_late);
  homes_.drop_suspects(nobody_is_late);
  EXPECT_THAT(told(), ElementsAre("1: -Cid 1")) << "Ann was not named by a slot that was in time, Bob was named before";
}

TEST_F(LateSlotTest, SuspectsAreToldToASuccessor) {
  take_step();
  std::vector<ConnectionId> suspects;
  homes_.for_each_suspect([&](const std::string& channel, ConnectionId id) {
    EXPECT_EQ(channel, "room");
    suspects.push_back(id);
  });
  EXPECT_THAT(suspects, ElementsAre(bob, bob + 1));
  homes_.forget("room");
  homes_.for_each_suspect(
      [](const std::string&, ConnectionId) { ADD_FAILURE() << "the channel is not ours any more"; });
}

TEST_F(HomesTest, AHistoryIsForgottenAnHourAfterTheLastSubscriberHasGone) {
  publish("hist", "hello", 1);
  interest_.add("hist", 1);
  homes_.note_interest("hist", 1000);
  homes_.sweep(1000 + 2 * Homes::idle_ms);
  EXPECT_EQ(known(), 1U) << "somebody is there";
  interest_.remove("hist", 1);
  homes_.note_interest("hist", 10'000);
  homes_.sweep(10'000 + Homes::idle_ms - 1);
  EXPECT_EQ(known(), 1U);
  interest_.add("hist", 1);
  homes_.note_interest("hist", 20'000);
  interest_.remove("hist", 1);
  homes_.note_interest("hist", 30'000);
  homes_.sweep(10'000 + Homes::idle_ms);
  EXPECT_EQ(known(), 1U) << "it counts from the last";
  homes_.sweep(30'000 + Homes::idle_ms);
  EXPECT_EQ(known(), 0U);
}

TEST_F(HomesTest, WhatIsPublishedToNobodyIsForgottenToo) {
  publish("hist", "hello", 1);
  homes_.sweep(5000);
  homes_.sweep(5000 + Homes::idle_ms - 1);
  EXPECT_EQ(known(), 1U);
  homes_.sweep(5000 + Homes::idle_ms);
  EXPECT_EQ(known(), 0U);
}

TEST_F(HomesTest, IdleHistoriesAreBoundedTheOldestGoFirst) {
  const std::string large(Homes::max_idle_bytes / 4, 'x');
  for (int i = 0; i < 5; ++i) {
    const std::string channel = "hist" + std::to_string(i);
    publish(channel, large, static_cast<std::uint64_t>(i) + 1);
    homes_.note_interest(channel, static_cast<std::uint64_t>(1000 - i));
  }
  homes_.sweep(2000);
  std::vector<std::string> left;
  homes_.for_each_state([&](const std::string& channel, const RecordWriter&) { left.push_back(channel); });
  EXPECT_THAT(left, testing::UnorderedElementsAre("hist0", "hist1", "hist2"));
}

}  // namespace
}  // namespace wsd::worker
