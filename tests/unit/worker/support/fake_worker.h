// A Worker that runs nothing, for what needs one to name, and an application's host without a module.

#pragma once

#include <wsd/app.h>

#include <utility>

#include "worker/app_host.h"

namespace wsd::worker::test {

class FakeWorker final : public Worker {
 public:
  [[nodiscard]] unsigned slot() const override { return 3; }
  [[nodiscard]] unsigned generation() const override { return 1; }
  [[nodiscard]] std::size_t connection_count() const override { return 0; }
  void for_each_connection(const std::function<void(Connection&)>& /*visit*/) override {}
  [[nodiscard]] Connection* find(ConnectionId /*id*/) override { return nullptr; }
  SendResult publish(std::string_view /*channel*/, std::string_view /*data*/, MessageType /*type*/) override {
    return SendResult::dropped;
  }
  void publish(std::string_view /*channel*/, std::string_view /*data*/, MessageType /*type*/,
               std::function<void(const Delivery&)> /*tell*/) override {}
  SendResult deliver(std::string_view /*channel*/, std::string_view /*data*/, MessageType /*type*/) override {
    return SendResult::dropped;
  }
  SendResult send_to(ConnectionId /*id*/, std::string_view /*data*/, MessageType /*type*/) override {
    return SendResult::dropped;
  }
  void close_connection(ConnectionId /*id*/, std::uint16_t /*code*/, std::string_view /*reason*/) override {}
  void ask_channel(std::string_view /*channel*/, std::function<void(const ChannelInfo&)> /*tell*/) override {}
  TimerId every(std::chrono::nanoseconds /*interval*/, std::function<void()> /*callback*/) override { return 0; }
  TimerId after(std::chrono::nanoseconds /*delay*/, std::function<void()> /*callback*/) override { return 0; }
  void cancel(TimerId /*timer*/) override {}
  void stop_accepting() override {}
  void log(std::string_view /*line*/) override {}
};

// The host of `app`, a value, where the server has a module's body to run.
class FakeAppHost : public AppHost {
 public:
  explicit FakeAppHost(App app) : AppHost(module_of(std::move(app)), {}) {}

 private:
  static const AppModule& module_of(App app) {
    static App next;
    static const AppModule module{.abi_tag = WSD_ABI_TAG,
                                  .define = [](App& target) { target = std::exchange(next, {}); }};
    next = std::move(app);
    return module;
  }
};

}  // namespace wsd::worker::test
