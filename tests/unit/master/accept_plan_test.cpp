#include "master/accept_plan.h"

#include <gmock/gmock.h>

namespace wsd::master {
namespace {

using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::UnorderedElementsAre;

SlotToServe accepting(Slot slot) {
  return {slot, static_cast<WorkerKey>(100 + slot), std::nullopt, true};
}
SlotToServe in_need(Slot slot) {
  return {slot, std::nullopt, std::nullopt, true};
}
SlotToServe helped(Slot slot, WorkerKey helper) {
  return {slot, std::nullopt, helper, true};
}

TEST(AcceptPlan, HelpsNobodyWhenEveryWorkerAccepts) {
  EXPECT_THAT(plan_helpers({accepting(0), accepting(1), accepting(2)}), IsEmpty());
}

TEST(AcceptPlan, GivesASlotToItsNextNeighbourUpward) {
  EXPECT_THAT(plan_helpers({accepting(0), in_need(1), accepting(2)}), UnorderedElementsAre(Pair(1, 102)));
}

TEST(AcceptPlan, GoesRoundTheRing) {
  EXPECT_THAT(plan_helpers({accepting(0), accepting(1), in_need(2)}), UnorderedElementsAre(Pair(2, 100)));
}

TEST(AcceptPlan, SpreadsSeveralSlotsOverSeveralNeighbours) {
  EXPECT_THAT(plan_helpers({in_need(0), in_need(1), accepting(2), accepting(3)}),
              UnorderedElementsAre(Pair(0, 102), Pair(1, 103)));
}

TEST(AcceptPlan, PilesUpOnTheLastWorkerThatAccepts) {
  EXPECT_THAT(plan_helpers({in_need(0), accepting(1), in_need(2), in_need(3)}),
              UnorderedElementsAre(Pair(0, 101), Pair(2, 101), Pair(3, 101)));
}

TEST(AcceptPlan, KeepsAHelperThoughANearerOneIsBack) {
  EXPECT_THAT(plan_helpers({helped(0, 102), accepting(1), accepting(2)}), UnorderedElementsAre(Pair(0, 102)));
}

TEST(AcceptPlan, TakesFromAHelperWhatIsMoreThanItsFairShare) {
  EXPECT_THAT(plan_helpers({helped(0, 102), helped(1, 102), accepting(2), accepting(3)}),
              UnorderedElementsAre(Pair(0, 102), Pair(1, 103)));
}

TEST(AcceptPlan, ReplacesAHelperThatAcceptsNoLonger) {
  EXPECT_THAT(plan_helpers({helped(0, 101), in_need(1), accepting(2)}),
              UnorderedElementsAre(Pair(0, 102), Pair(1, 102)));
}

TEST(AcceptPlan, LeavesThingsAsTheyAreWhenNobodyAccepts) {
  EXPECT_THAT(plan_helpers({helped(0, 101), in_need(1), in_need(2)}), UnorderedElementsAre(Pair(0, 101)));
}

TEST(AcceptPlan, AsksNoHelpFromTheWorkerOfARetiringSlot) {
  SlotToServe retiring = accepting(1);
  retiring.may_help = false;
  EXPECT_THAT(plan_helpers({in_need(0), retiring, accepting(2)}), UnorderedElementsAre(Pair(0, 102)));
}

}  // namespace
}  // namespace wsd::master
