#include "worker/tls_ticket_keys.h"

#include <gtest/gtest.h>

namespace wsd::worker {
namespace {

constexpr std::uint64_t hour = TlsTicketKeys::period_s;
constexpr std::uint64_t noon = 500'000 * hour;

TEST(TlsTicketKeys, AreTheSameInEveryWorkerOfAServer) {
  TlsTicketKeys one("secret");
  TlsTicketKeys other("secret");
  EXPECT_EQ(one.current(noon).name, other.current(noon + hour - 1).name);
  EXPECT_EQ(one.current(noon).encryption, other.current(noon).encryption);
  EXPECT_EQ(one.current(noon).authentication, other.current(noon).authentication);
}

TEST(TlsTicketKeys, AreOthersInAnotherServerAndHour) {
  TlsTicketKeys keys("secret");
  const TlsTicketKey first = keys.current(noon);
  EXPECT_NE(first.name, TlsTicketKeys("other").current(noon).name);
  const TlsTicketKey next = keys.current(noon + hour);
  EXPECT_NE(first.name, next.name);
  EXPECT_NE(first.encryption, next.encryption);
  EXPECT_NE(first.authentication, next.authentication);
}

TEST(TlsTicketKeys, OfTheHourBeforeAreStillGood) {
  TlsTicketKeys keys("secret");
  const TlsTicketKey first = keys.current(noon);
  ASSERT_NE(keys.find(first.name.data(), noon + hour), nullptr);
  EXPECT_EQ(keys.find(first.name.data(), noon + hour)->encryption, first.encryption);
  EXPECT_EQ(keys.find(first.name.data(), noon + 2 * hour), nullptr);
}

TEST(TlsTicketKeys, KnowNoOtherNames) {
  TlsTicketKeys keys("secret");
  TlsTicketKey key = keys.current(noon);
  key.name[15] ^= 1;
  EXPECT_EQ(keys.find(key.name.data(), noon), nullptr);
}

}  // namespace
}  // namespace wsd::worker
