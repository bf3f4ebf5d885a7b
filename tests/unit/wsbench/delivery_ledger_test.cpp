#include "tests/wsbench/delivery_ledger.h"

#include <gtest/gtest.h>

namespace wsd::bench {
namespace {

using Verdict = DeliveryLedger::Verdict;

TEST(DeliveryLedgerTest, EachOnceInOrder) {
  DeliveryLedger ledger(2);
  EXPECT_FALSE(ledger.is_reached_by(0));
  EXPECT_EQ(ledger.take(0, 0), Verdict::probe);
  EXPECT_TRUE(ledger.is_reached_by(0));
  EXPECT_FALSE(ledger.is_reached_by(1));
  for (std::uint64_t number = 1; number <= 3; ++number) {
    EXPECT_EQ(ledger.take(0, number), Verdict::proper);
    EXPECT_EQ(ledger.take(1, number), Verdict::proper);
  }
  EXPECT_EQ(ledger.take(0, 0), Verdict::probe);
  EXPECT_EQ(ledger.last(0), 3U);
  EXPECT_EQ(ledger.missing(), 0U);
}

TEST(DeliveryLedgerTest, SeesWhatIsTwice) {
  DeliveryLedger ledger(1);
  EXPECT_EQ(ledger.take(0, 1), Verdict::proper);
  EXPECT_EQ(ledger.take(0, 2), Verdict::proper);
  EXPECT_EQ(ledger.take(0, 2), Verdict::doubled);
  EXPECT_EQ(ledger.take(0, 1), Verdict::doubled);
  EXPECT_EQ(ledger.last(0), 2U);
}

TEST(DeliveryLedgerTest, SeesWhatIsLostAndWhatComesLate) {
  DeliveryLedger ledger(1);
  EXPECT_EQ(ledger.take(0, 1), Verdict::proper);
  EXPECT_EQ(ledger.take(0, 5), Verdict::proper);
  EXPECT_EQ(ledger.missing(), 3U);
  EXPECT_EQ(ledger.take(0, 3), Verdict::reordered);
  EXPECT_EQ(ledger.take(0, 3), Verdict::doubled);
  EXPECT_EQ(ledger.missing(), 2U);
  EXPECT_EQ(ledger.take(0, 6), Verdict::proper);
}

TEST(DeliveryLedgerTest, KnowsNoOtherPublisher) {
  DeliveryLedger ledger(2);
  EXPECT_EQ(ledger.take(2, 1), Verdict::unknown);
}

}  // namespace
}  // namespace wsd::bench
