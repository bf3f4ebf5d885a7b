// GET / on a server that runs a built-in app: a browser gets the page of worker/apps/page.h.

#pragma once

#include <wsd/request.h>
#include <wsd/response.h>

namespace wsd::worker {

// Whether this request is a browser's that wants to see a page: GET or HEAD of "/" (whatever its query), and no attempt
// at a WebSocket handshake. One that lost its Upgrade header in a proxy is better told so, with 426.
[[nodiscard]] bool asks_for_front_page(const Request& request);
void show_front_page(Response& response);

}  // namespace wsd::worker
