// The tutorial's push server: writes what it receives to standard output, acknowledges it, and greets every connection
// every 10 s. `--set interval=SECONDS` changes that.

#include <wsd/app.h>

#include <charconv>
#include <cstdio>
#include <stdexcept>

namespace {

std::chrono::duration<double> seconds(std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || !(value >= 0.001 && value <= 1e9)) {
    throw std::invalid_argument("interval must be a number of seconds from 0.001 up, for example --set interval=10");
  }
  return std::chrono::duration<double>(value);
}

}  // namespace

WSD_APP(app) {
  const auto interval = std::chrono::duration_cast<std::chrono::nanoseconds>(seconds(app.setting("interval", "10")));

  app.on_worker_start = [interval](wsd::Worker& worker) {
    worker.every(interval, [&worker] {
      worker.for_each_connection([](wsd::Connection& connection) { connection.send("你好!"); });
    });
  };

  app.on_message = [](wsd::Connection& connection, wsd::Message message) {
    std::fwrite(message.data.data(), 1, message.data.size(), stdout);
    std::fputc('\n', stdout);
    connection.send("服务器已经收到了你的消息");
  };
}
