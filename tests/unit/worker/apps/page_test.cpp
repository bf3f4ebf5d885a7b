#include "worker/apps/page.h"

#include <gtest/gtest.h>

#include <string_view>

namespace wsd::worker {
namespace {

TEST(Page, IsOneSmallFile) {
  EXPECT_TRUE(page_html().starts_with("<!doctype html>"));
  EXPECT_TRUE(page_html().ends_with("</html>\n"));
  EXPECT_LT(page_html().size(), 28U * 1024);
  for (const std::string_view reference : {"src=", "@import", "url(", "https://", "integrity="}) {
    EXPECT_EQ(page_html().find(reference), std::string_view::npos) << reference;
  }
}

TEST(Page, PutsWhatComesIntoTheDocumentAsText) {
  for (const std::string_view danger :
       {"innerHTML", "outerHTML", "insertAdjacent", "document.write", "eval(", "onclick=\""}) {
    EXPECT_EQ(page_html().find(danger), std::string_view::npos) << danger;
  }
}

}  // namespace
}  // namespace wsd::worker
