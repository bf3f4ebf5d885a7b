#include "worker/address_quotas.h"

#include <gtest/gtest.h>

namespace wsd::worker {
namespace {

using Verdict = AddressQuotas::Verdict;

constexpr std::uint64_t now_ms = 1'000'000;

class AddressQuotasTest : public testing::Test {
 protected:
  AddressQuotasTest() {
    tables_.open_row(0);
    tables_.open_row(1);
    EXPECT_EQ(proxies_.add("10.0.0.0/8"), std::nullopt);
  }

  AddressQuotas quotas(const AddressLimits& limits, std::size_t row = 0) {
    return AddressQuotas(&tables_, row, limits, proxies_);
  }

  AddressTables tables_ = AddressTables::create(1000);
  protocol::TrustedProxies proxies_;
};

TEST_F(AddressQuotasTest, LimitConnectionsOfAnAddressOnAllWorkersTogether) {
  AddressQuotas one = quotas({.connections = 3});
  AddressQuotas other = quotas({.connections = 3}, 1);
  const auto first = one.admit("192.0.2.7", now_ms);
  EXPECT_EQ(first.verdict, Verdict::admitted);
  EXPECT_NE(first.key, 0U);
  EXPECT_EQ(other.admit("192.0.2.7", now_ms).verdict, Verdict::admitted);
  EXPECT_EQ(other.admit("192.0.2.7", now_ms).verdict, Verdict::admitted);
  const auto refused = one.admit("192.0.2.7", now_ms);
  EXPECT_EQ(refused.verdict, Verdict::too_many_connections);
  EXPECT_EQ(refused.key, 0U);
  EXPECT_EQ(one.admit("192.0.2.8", now_ms).verdict, Verdict::admitted);
  one.remove(first.key);
  EXPECT_EQ(other.admit("192.0.2.7", now_ms).verdict, Verdict::admitted);
}

TEST_F(AddressQuotasTest, LimitHandshakesAndMessagesPerSecond) {
  AddressQuotas one = quotas({.handshakes = 2, .messages = 3});
  const auto first = one.admit("192.0.2.7", now_ms);
  EXPECT_EQ(first.verdict, Verdict::admitted);
  EXPECT_EQ(one.admit("192.0.2.7", now_ms).verdict, Verdict::admitted);
  EXPECT_EQ(one.admit("192.0.2.7", now_ms).verdict, Verdict::too_many_handshakes);
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(one.take_message(first.key, now_ms));
  EXPECT_FALSE(one.take_message(first.key, now_ms));
}

TEST_F(AddressQuotasTest, DoNotTakeAHandshakeFromWhoeverIsRefusedForItsConnections) {
  AddressQuotas one = quotas({.connections = 1, .handshakes = 2});
  const auto first = one.admit("192.0.2.7", now_ms);
  EXPECT_EQ(one.admit("192.0.2.7", now_ms).verdict, Verdict::too_many_connections);
  one.remove(first.key);
  EXPECT_EQ(one.admit("192.0.2.7", now_ms).verdict, Verdict::admitted);
}

TEST_F(AddressQuotasTest, NeverCountProxiesAndUnixSockets) {
  AddressQuotas one = quotas({.connections = 1, .handshakes = 1, .messages = 1});
  for (int i = 0; i < 5; ++i) {
    for (const char* address : {"10.1.2.3", "unix:", "what is no address"}) {
      const auto admission = one.admit(address, now_ms);
      EXPECT_EQ(admission.verdict, Verdict::admitted) << address;
      EXPECT_EQ(admission.key, 0U) << address;
      EXPECT_TRUE(one.take_message(admission.key, now_ms));
    }
  }
}

TEST_F(AddressQuotasTest, AskNoQuestionsOfConnectionsThatWereLetInBefore) {
  AddressQuotas one = quotas({.connections = 1});
  AddressQuotas other = quotas({.connections = 1}, 1);
  const AddressKey before = one.admit("192.0.2.7", now_ms).key;
  one.remove(before);
  EXPECT_EQ(other.add("192.0.2.7"), before);
  EXPECT_EQ(one.admit("192.0.2.7", now_ms).verdict, Verdict::too_many_connections);
}

TEST_F(AddressQuotasTest, WithoutLimitsTouchNothing) {
  AddressQuotas off = quotas({});
  AddressQuotas none;
  for (AddressQuotas* each : {&off, &none}) {
    EXPECT_EQ(each->admit("192.0.2.7", now_ms).key, 0U);
    EXPECT_EQ(each->add("192.0.2.7"), 0U);
    EXPECT_TRUE(each->take_message(0, now_ms));
    each->remove(0);
  }
  EXPECT_EQ(tables_.connections(tables_.key_of("192.0.2.7").value()), 0U);
}

}  // namespace
}  // namespace wsd::worker
