// Counts each connection's messages, and goes on counting after a reload, when other code in another process serves it.
//
//   wsd start counter.cpp        change the text below, then: wsd reload

#include <wsd/app.h>

#include <string>

WSD_APP(app) {
  app.on_message = [](wsd::Connection& connection, wsd::Message) {
    const std::string_view before = connection.get("count");
    const std::string count = std::to_string(before.empty() ? 1 : std::stoi(std::string(before)) + 1);
    connection.set("count", count);
    connection.send("message " + count);
  };
}
