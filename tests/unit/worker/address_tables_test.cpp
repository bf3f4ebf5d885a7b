#include "worker/address_tables.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string>
#include <vector>

namespace wsd::worker {
namespace {

using Rate = AddressTables::Rate;

constexpr std::uint64_t second_ns = 1'000'000'000;
constexpr std::uint64_t begin_ns = 1000 * second_ns;

class AddressTablesTest : public testing::Test {
 protected:
  AddressTablesTest() {
    for (std::size_t row = 0; row < 4; ++row) tables_.open_row(row);
  }

  [[nodiscard]] int taken(AddressKey key, std::uint32_t per_second, std::uint64_t now_ns, int attempts) {
    int count = 0;
    for (int i = 0; i < attempts; ++i) count += tables_.take(Rate::messages, key, per_second, now_ns) ? 1 : 0;
    return count;
  }

  AddressTables tables_ = AddressTables::create(1000);
  AddressKey key_ = tables_.key_of("192.0.2.7").value();
};

TEST_F(AddressTablesTest, KnowAnAddressOfVersion6ByItsNetwork) {
  EXPECT_EQ(tables_.key_of("2001:db8:1:2::1"), tables_.key_of("2001:db8:1:2:3:4:5:6"));
  EXPECT_NE(tables_.key_of("2001:db8:1:2::1"), tables_.key_of("2001:db8:1:3::1"));
  EXPECT_NE(tables_.key_of("192.0.2.7"), tables_.key_of("192.0.2.8"));
  EXPECT_EQ(tables_.key_of("::ffff:192.0.2.7"), tables_.key_of("192.0.2.7"));
  EXPECT_EQ(tables_.key_of("unix:"), std::nullopt);
  EXPECT_EQ(tables_.key_of(""), std::nullopt);
}

TEST_F(AddressTablesTest, HaveKeysThatNobodyElseCanCompute) {
  const AddressTables others = AddressTables::create(1000);
  EXPECT_NE(others.key_of("192.0.2.7"), tables_.key_of("192.0.2.7"));
}

TEST_F(AddressTablesTest, SumTheConnectionsOfAllProcesses) {
  EXPECT_EQ(tables_.connections(key_), 0U);
  EXPECT_TRUE(tables_.add(0, key_));
  EXPECT_TRUE(tables_.add(0, key_));
  EXPECT_TRUE(tables_.add(3, key_));
  EXPECT_TRUE(tables_.add(1, tables_.key_of("192.0.2.8").value()));
  EXPECT_EQ(tables_.connections(key_), 3U);
  tables_.remove(0, key_);
  EXPECT_EQ(tables_.connections(key_), 2U);
}

TEST_F(AddressTablesTest, ForgetAProcessThatIsGone) {
  EXPECT_TRUE(tables_.add(0, key_));
  EXPECT_TRUE(tables_.add(1, key_));
  tables_.clear_row(0);
  EXPECT_EQ(tables_.connections(key_), 1U);
  EXPECT_TRUE(tables_.add(0, key_));
  EXPECT_EQ(tables_.connections(key_), 2U);
}

TEST_F(AddressTablesTest, GiveThePlacesOfAddressesThatHaveNoneToOthers) {
  for (int i = 0; i < 200'000; ++i) {
    const AddressKey key = tables_.key_of(fmt::format("10.{}.{}.{}", i >> 16, i >> 8 & 255, i & 255)).value();
    ASSERT_TRUE(tables_.add(0, key)) << i;
    tables_.remove(0, key);
  }
}

TEST_F(AddressTablesTest, KnowAsManyAddressesAsTheyWereMadeFor) {
  std::vector<AddressKey> keys;
  for (int i = 0; i < 1000; ++i) keys.push_back(tables_.key_of(fmt::format("10.0.{}.{}", i / 256, i % 256)).value());
  for (const AddressKey key : keys) ASSERT_TRUE(tables_.add(2, key));
  for (const AddressKey key : keys) ASSERT_EQ(tables_.connections(key), 1U);
}

TEST_F(AddressTablesTest, RefuseAnAddressWithoutAPlace) {
  std::size_t refused = 0;
  std::vector<AddressKey> kept;
  for (int i = 0; i < 20'000; ++i) {
    const AddressKey key = tables_.key_of(fmt::format("10.0.{}.{}", i / 256, i % 256)).value();
    if (tables_.add(0, key)) {
      kept.push_back(key);
    } else {
      ++refused;
    }
  }
  EXPECT_GT(refused, 0U);
  for (const AddressKey key : kept) ASSERT_EQ(tables_.connections(key), 1U);
  for (const AddressKey key : kept) tables_.remove(0, key);
  EXPECT_TRUE(tables_.add(0, key_));
}

TEST_F(AddressTablesTest, LetASecondsWorthComeAtOnceAndThenTheRate) {
  EXPECT_EQ(taken(key_, 10, begin_ns, 100), 10);
  EXPECT_EQ(taken(key_, 10, begin_ns + second_ns / 10, 100), 1);
  EXPECT_EQ(taken(key_, 10, begin_ns + second_ns / 2, 100), 4);
  EXPECT_EQ(taken(key_, 10, begin_ns + 100 * second_ns, 100), 10);
}

TEST_F(AddressTablesTest, TakeForEverFromWhoeverKeepsToTheRate) {
  for (std::uint64_t i = 0; i < 1000; ++i) {
    ASSERT_TRUE(tables_.take(Rate::messages, key_, 10, begin_ns + i * second_ns / 10)) << i;
  }
}

TEST_F(AddressTablesTest, HaveARateForEachThing) {
  EXPECT_EQ(taken(key_, 1, begin_ns, 5), 1);
  EXPECT_TRUE(tables_.take(Rate::handshakes, key_, 1, begin_ns));
  EXPECT_FALSE(tables_.take(Rate::handshakes, key_, 1, begin_ns));
  EXPECT_EQ(taken(tables_.key_of("192.0.2.8").value(), 1, begin_ns, 5), 1) << "another address";
}

TEST_F(AddressTablesTest, ForgetARateThatNobodyUsesBeforeTheyRunOutOfPlaces) {
  std::uint64_t now_ns = begin_ns;
  for (int round = 0; round < 20; ++round) {
    int limited = 0;
    for (int i = 0; i < 2000; ++i) {
      const AddressKey key = tables_.key_of(fmt::format("10.{}.{}.{}", round, i / 256, i % 256)).value();
      limited += taken(key, 1, now_ns, 2) == 1 ? 1 : 0;
    }
    // The secret is drawn anew for each test: now and then one address finds all places that it looks at taken. If none
    // were forgotten, those of a later round would all be like that.
    EXPECT_GE(limited, 1990) << round;
    now_ns += 2 * second_ns;
  }
}

TEST_F(AddressTablesTest, AreOneForAllProcesses) {
  constexpr int processes = 4;
  for (int process = 0; process < processes; ++process) {
    if (::fork() != 0) continue;
    int count = 0;
    for (int i = 0; i < 1000; ++i) count += tables_.take(Rate::messages, key_, 100, begin_ns) ? 1 : 0;
    const bool added = tables_.add(static_cast<std::size_t>(process), key_);
    ::_exit(added ? count : 255);
  }
  int sum = 0;
  for (int process = 0; process < processes; ++process) {
    int status = 0;
    ::wait(&status);
    ASSERT_TRUE(WIFEXITED(status));
    sum += WEXITSTATUS(status);
  }
  EXPECT_EQ(sum, 100);
  EXPECT_EQ(tables_.connections(key_), static_cast<std::uint64_t>(processes));
}

TEST_F(AddressTablesTest, AreFoundAgainByTheirDescriptor) {
  EXPECT_TRUE(tables_.add(0, key_));
  AddressTables again = AddressTables::map(FileDescriptor(::fcntl(tables_.descriptor(), F_DUPFD_CLOEXEC, 0)));
  EXPECT_EQ(again.key_of("192.0.2.7"), key_);
  EXPECT_EQ(again.connections(key_), 1U);
  EXPECT_TRUE(again.add(1, key_));
  EXPECT_EQ(tables_.connections(key_), 2U);
}

TEST_F(AddressTablesTest, AreNotTakenForThoseOfAnotherVersion) {
  const std::uint32_t other = AddressTables::version + 1;
  ASSERT_EQ(::pwrite(tables_.descriptor(), &other, sizeof(other), 0), static_cast<ssize_t>(sizeof(other)));
  EXPECT_THROW(static_cast<void>(AddressTables::map(FileDescriptor(::fcntl(tables_.descriptor(), F_DUPFD_CLOEXEC, 0)))),
               std::runtime_error);
  EXPECT_THROW(static_cast<void>(AddressTables::map(FileDescriptor(::memfd_create("empty", MFD_CLOEXEC)))),
               std::runtime_error);
}

}  // namespace
}  // namespace wsd::worker
