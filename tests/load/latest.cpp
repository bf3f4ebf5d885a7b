// A value that changes every so often, for scripts/bench-polling: pushed to every WebSocket, and answered to whoever
// asks by GET. Its first word is the moment it changed, in nanoseconds of CLOCK_MONOTONIC. A file has it too, if a
// setting names one, for other servers.

#include <wsd/app.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <string>

WSD_APP(app) {
  static std::string latest;
  const auto interval = std::chrono::seconds(std::stoi(std::string(app.setting("interval", "1"))));
  const std::filesystem::path file = app.setting("file");

  app.on_worker_start = [interval, file](wsd::Worker& worker) {
    const auto change = [&worker, file] {
      const auto now = std::chrono::steady_clock::now().time_since_epoch();
      latest = std::to_string(std::chrono::nanoseconds(now).count()) +
               R"( {"symbol": "WSD", "price": 101.25, "volume": 12345, "bid": 101.2, "ask": 101.3})";
      worker.publish("latest", latest);
      if (file.empty()) return;
      std::ofstream(file.string() + ".new") << latest;
      std::filesystem::rename(file.string() + ".new", file);
    };
    change();
    worker.every(interval, change);
  };
  app.on_open = [](wsd::Connection& connection) { connection.subscribe("latest"); };
  app.on_request = [](const wsd::Request&, wsd::Response& response) { response.write(latest); };
}
