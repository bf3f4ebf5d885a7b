#include "tests/wsbench/publication_window.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <vector>

namespace wsd::bench {
namespace {

TEST(PublicationWindowTest, ConfirmsWhatAllHave) {
  PublicationWindow window;
  window.set_listeners(2);
  window.got(0, 1);
  window.got(1, 2);
  EXPECT_EQ(window.confirmed(), 0U);
  window.got(0, 1);
  EXPECT_EQ(window.confirmed(), 1U);
  window.got(1, 2);
  EXPECT_EQ(window.confirmed(), 2U);
}

TEST(PublicationWindowTest, DoesNotWaitForWhatWasSkipped) {
  PublicationWindow window;
  window.set_listeners(2);
  window.got(0, 3);
  window.got(0, 1);
  EXPECT_EQ(window.confirmed(), 1U);
  window.got(1, 4);
  EXPECT_EQ(window.confirmed(), 3U);
}

TEST(PublicationWindowTest, DoesNotWaitForOneThatIsGone) {
  PublicationWindow window;
  window.set_listeners(3);
  window.got(0, 2);
  window.got(0, 2);
  EXPECT_EQ(window.confirmed(), 0U);
  window.leave(0);
  EXPECT_EQ(window.confirmed(), 2U);
  window.leave(2);
  window.leave(2);
  EXPECT_FALSE(window.has_listeners());
}

TEST(PublicationWindowTest, IsTheLeastOfAllLasts) {
  std::mt19937 random(1);
  for (int round = 0; round < 200; ++round) {
    PublicationWindow window;
    std::vector<std::uint64_t> lasts(1 + random() % 6);
    window.set_listeners(lasts.size());
    for (int step = 0; step < 300 && !lasts.empty(); ++step) {
      const auto chosen = static_cast<std::ptrdiff_t>(random() % lasts.size());
      std::uint64_t& last = lasts[static_cast<std::size_t>(chosen)];
      if (random() % 100 == 0) {
        window.leave(last);
        lasts.erase(lasts.begin() + chosen);
      } else {
        const std::uint64_t next = last + 1 + (random() % 10 == 0 ? random() % 3 : 0);
        window.got(last, next);
        last = next;
      }
      if (!lasts.empty()) {
        ASSERT_EQ(window.confirmed(), *std::ranges::min_element(lasts));
      }
    }
  }
}

}  // namespace
}  // namespace wsd::bench
