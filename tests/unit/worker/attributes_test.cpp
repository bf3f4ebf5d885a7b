#include "worker/attributes.h"

#include <gtest/gtest.h>

#include <stdexcept>

namespace wsd::worker {
namespace {

TEST(Attributes, CostOnePointer) {
  EXPECT_EQ(sizeof(Attributes), sizeof(void*));
}

TEST(Attributes, KeepTheLastValueOfEachName) {
  Attributes attributes;
  EXPECT_EQ(attributes.get("user"), "");
  attributes.set("user", "alice");
  attributes.set("room", "7");
  attributes.set("user", "bob");
  EXPECT_EQ(attributes.get("user"), "bob");
  EXPECT_EQ(attributes.get("room"), "7");
  EXPECT_EQ(attributes.get("use"), "");
}

TEST(Attributes, ForgetANameWithAnEmptyValue) {
  Attributes attributes;
  attributes.set("user", "alice");
  attributes.set("user", "");
  attributes.set("never", "");
  EXPECT_EQ(attributes.get("user"), "");
  EXPECT_TRUE(attributes.entries().empty());
}

TEST(Attributes, MoveToAnotherWorkerWithTheSubprotocol) {
  Attributes old;
  old.set("user", "alice");
  old.set_subprotocol("chat.v2");
  Attributes moved;
  moved.restore(old.entries());
  EXPECT_EQ(moved.get("user"), "alice");
  EXPECT_EQ(moved.subprotocol(), "chat.v2");
  moved.restore({});
  EXPECT_EQ(moved.subprotocol(), "");
}

TEST(Attributes, RefuseAnEmptyName) {
  Attributes attributes;
  EXPECT_THROW(attributes.set("", "x"), std::invalid_argument);
}

TEST(Attributes, HaveALimitTogetherAndStayAsTheyWereBeyondIt) {
  Attributes attributes;
  attributes.set("a", std::string(Attributes::max_size - 1, 'x'));
  EXPECT_THROW(attributes.set("b", "y"), std::length_error);
  EXPECT_THROW(attributes.set("a", std::string(Attributes::max_size, 'x')), std::length_error);
  EXPECT_EQ(attributes.get("a").size(), Attributes::max_size - 1);
  attributes.set("a", std::string(Attributes::max_size - 1, 'y'));
  EXPECT_EQ(attributes.get("a").front(), 'y');
}

}  // namespace
}  // namespace wsd::worker
