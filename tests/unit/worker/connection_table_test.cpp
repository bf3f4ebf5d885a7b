#include "worker/connection_table.h"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <set>

#include "tests/unit/worker/support/connection_bench.h"

namespace wsd::worker {
namespace {

using test::ConnectionBench;

class ConnectionTableTest : public testing::Test {
 protected:
  void add(ConnectionId id) {
    auto connection =
        std::make_unique<ClientConnection>(bench_.context, id, ClientTransport(FileDescriptor()), "192.0.2.7");
    there_.emplace(id, connection.get());
    table_.add(std::move(connection));
  }
  void erase(ConnectionId id) {
    there_.erase(id);
    table_.erase(id);
  }
  void expect_all() {
    EXPECT_EQ(table_.size(), there_.size());
    for (const auto& [id, connection] : there_) EXPECT_EQ(table_.find(id), connection);
    std::set<ConnectionId> ids;
    for (const ClientConnection& connection : table_) EXPECT_TRUE(ids.insert(connection.id()).second);
    EXPECT_EQ(ids.size(), there_.size());
  }

  ConnectionBench bench_{App{}};
  ConnectionTable table_;
  std::map<ConnectionId, ClientConnection*> there_;
};

TEST_F(ConnectionTableTest, AnEmptyOneHasNobody) {
  EXPECT_TRUE(table_.empty());
  EXPECT_EQ(table_.find(1), nullptr);
  EXPECT_EQ(table_.begin(), table_.end());
  table_.erase(1);
}

TEST_F(ConnectionTableTest, WhoWasAddedIsFoundUntilErased) {
  const ConnectionId base = ConnectionId{3} << 56U;
  for (ConnectionId id = 1; id <= 1000; ++id) add(base | id);
  expect_all();
  EXPECT_EQ(table_.find(1), nullptr);
  for (ConnectionId id = 1; id <= 1000; id += 3) erase(base | id);
  expect_all();
  for (ConnectionId id = 1; id <= 1000; id += 3) EXPECT_EQ(table_.find(base | id), nullptr);
}

TEST_F(ConnectionTableTest, AnyOrderOfComingAndGoing) {
  std::minstd_rand random(5);
  ConnectionId last = 0;
  for (int step = 0; step < 5000; ++step) {
    if (there_.empty() || random() % 100 < 52) {
      add(++last);
    } else {
      auto one = there_.begin();
      std::advance(one, random() % there_.size());
      erase(one->first);
    }
    if (step % 250 == 0) expect_all();
  }
  expect_all();
  table_.clear();
  EXPECT_TRUE(table_.empty());
  EXPECT_EQ(table_.find(last), nullptr);
}

}  // namespace
}  // namespace wsd::worker
