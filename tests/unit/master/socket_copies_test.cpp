#include "master/socket_copies.h"

#include <gmock/gmock.h>

namespace wsd::master {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(SocketCopies, AreServedFromTheGivingToTheAskingBack) {
  SocketCopies copies;
  copies.give(2);
  EXPECT_TRUE(copies.serves(2));
  copies.ask_back(2);
  EXPECT_FALSE(copies.serves(2));
}

TEST(SocketCopies, AreHeldUntilTheWorkerHasClosedThem) {
  SocketCopies copies;
  copies.give(2);
  copies.ask_back(2);
  EXPECT_TRUE(copies.holds(2));
  copies.closed(2);
  EXPECT_FALSE(copies.holds(2));
}

TEST(SocketCopies, GivenAnewSurviveTheAnswerToAnEarlierAsking) {
  SocketCopies copies;
  copies.give(2);
  copies.ask_back(2);
  copies.give(2);
  copies.closed(2);
  EXPECT_TRUE(copies.serves(2));
}

TEST(SocketCopies, AskedForTwiceAreHeldUntilTheSecondAnswer) {
  SocketCopies copies;
  copies.give(2);
  copies.ask_back(2);
  copies.give(2);
  copies.ask_back(2);
  copies.closed(2);
  EXPECT_TRUE(copies.holds(2));
  copies.closed(2);
  EXPECT_FALSE(copies.holds(2));
}

TEST(SocketCopies, AreAskedBackAllAtOnceByADeparture) {
  SocketCopies copies;
  copies.give(0);
  copies.give(3);
  EXPECT_THAT(copies.served(), ElementsAre(0, 3));
  copies.ask_back_all();
  EXPECT_THAT(copies.served(), IsEmpty());
  EXPECT_TRUE(copies.holds(0));
}

TEST(SocketCopies, NeverGivenAreNotMissed) {
  SocketCopies copies;
  copies.ask_back(1);
  copies.closed(1);
  EXPECT_FALSE(copies.holds(1));
}

}  // namespace
}  // namespace wsd::master
