// The tutorial's second program: writes what it receives to standard output, acknowledges it, and greets every
// connection every ten seconds.
//
//   wsd start push.cpp --set interval=10

#include <wsd/app.h>

#include <chrono>
#include <cstdio>
#include <string>

WSD_APP(app) {
  const std::chrono::duration<double> interval(std::stod(std::string(app.setting("interval", "10"))));

  app.on_worker_start = [interval](wsd::Worker& worker) {
    worker.every(std::chrono::duration_cast<std::chrono::nanoseconds>(interval), [&worker] {
      worker.for_each_connection([](wsd::Connection& connection) { connection.send("你好!"); });
    });
  };

  app.on_message = [](wsd::Connection& connection, wsd::Message message) {
    std::printf("%.*s\n", static_cast<int>(message.data.size()), message.data.data());
    connection.send("服务器已经收到了你的消息");
  };
}
