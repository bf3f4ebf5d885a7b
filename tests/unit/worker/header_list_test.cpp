#include "worker/header_list.h"

#include <gtest/gtest.h>

#include <stdexcept>
#include <string>

namespace wsd::worker {
namespace {

TEST(HeaderList, KeepsHeadersInTheirOrder) {
  HeaderList list;
  list.add("Set-Cookie", "a=b; Path=/");
  list.add("Set-Cookie", "");
  ASSERT_EQ(list.headers().size(), 2U);
  EXPECT_EQ(list.headers()[0].name, "Set-Cookie");
  EXPECT_EQ(list.headers()[0].value, "a=b; Path=/");
}

TEST(HeaderList, RefusesWhatWouldWriteTheRestOfTheAnswer) {
  HeaderList list;
  for (const char* value : {"a\r\nSet-Cookie: b", "a\n", "\r", "\x7F", "\x01"}) {
    EXPECT_THROW(list.add("X", value), std::invalid_argument) << value;
  }
  EXPECT_THROW(list.add("X", std::string("a\0b", 3)), std::invalid_argument);
  for (const char* name : {"", "X Y", "X:", "X\r\nY", "X\n", "ä"}) {
    EXPECT_THROW(list.add(name, "value"), std::invalid_argument) << name;
  }
  EXPECT_TRUE(list.headers().empty());
}

TEST(HeaderList, RefusesWhatTheServerWritesItself) {
  HeaderList list;
  for (const char* name : {"connection", "Upgrade", "CONTENT-LENGTH", "Transfer-Encoding", "Sec-WebSocket-Accept",
                           "sec-websocket-extensions", "Sec-WebSocket-Protocol"}) {
    EXPECT_THROW(list.add(name, "value"), std::invalid_argument) << name;
  }
  list.add("Sec-Fetch-Site", "none");
}

TEST(HeaderList, HasALimit) {
  HeaderList list;
  list.add("X", std::string(HeaderList::max_size - 1, 'x'));
  EXPECT_THROW(list.add("Y", ""), std::length_error);
}

}  // namespace
}  // namespace wsd::worker
