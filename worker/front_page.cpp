#include "worker/front_page.h"

#include "worker/apps/page.h"

namespace wsd::worker {

bool asks_for_front_page(const Request& request) {
  const bool reads = request.method() == "GET" || request.method() == "HEAD";
  const bool shakes_hands = !request.header("Upgrade").empty() || !request.header("Sec-WebSocket-Key").empty();
  return reads && request.path() == "/" && !shakes_hands;
}

void show_front_page(Response& response) {
  response.add_header("Content-Type", "text/html; charset=utf-8");
  response.add_header("Cache-Control", "no-cache");
  response.add_header("X-Content-Type-Options", "nosniff");
  response.add_header("Content-Security-Policy", page_policy());
  response.write(page_html());
}

}  // namespace wsd::worker
