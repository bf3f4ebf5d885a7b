// An HTTP endpoint beside the sockets: POST /say sends its body to every connection of the worker that answers, GET
// /count tells how many it has. With --count 1 that is everybody.
//
//   wsd start http.cpp --count 1        curl --data hi http://127.0.0.1:8080/say

#include <wsd/app.h>

#include <string>

WSD_APP(app) {
  static wsd::Worker* worker;
  app.on_worker_start = [](wsd::Worker& started) { worker = &started; };

  app.on_request = [](const wsd::Request& request, wsd::Response& response) {
    if (request.path() == "/say" && request.method() == "POST") {
      worker->for_each_connection([&](wsd::Connection& connection) { connection.send(request.body()); });
      response.set_status(204);
    } else if (request.path() == "/count") {
      response.add_header("Content-Type", "application/json");
      response.write("{\"connections\":" + std::to_string(worker->connection_count()) + "}\n");
    } else {
      response.set_status(404);
      response.write("Try /count, or POST to /say.\n");
    }
  };
}
