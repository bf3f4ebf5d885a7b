// The page that servers with a built-in app show to browsers (page.html), compiled in: a console and a danmaku wall.

#pragma once

#include <string_view>

namespace wsd::worker {

// Both live for ever. HTML in UTF-8, one file that refers to no other.
[[nodiscard]] std::string_view page_html();
// The Content-Security-Policy to serve it with: it names the page's style and script by their hashes.
[[nodiscard]] std::string_view page_policy();

}  // namespace wsd::worker
