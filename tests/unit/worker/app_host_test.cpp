#include "worker/app_host.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <optional>
#include <stdexcept>
#include <string>

#include "tests/unit/worker/support/connection_bench.h"
#include "tests/unit/worker/support/fake_worker.h"
#include "worker/file_descriptor.h"
#include "worker/log.h"

namespace wsd::worker {
namespace {

using Outcome = AppHost::Outcome;

// A connection to call about; what it does is not the matter here.
class AnyConnection {
 public:
  AnyConnection() { peer_.emplace(bench_.connect()); }
  Connection& operator*() { return bench_.last(); }

 private:
  test::ConnectionBench bench_{App{}};
  std::optional<test::Peer> peer_;
};

// What is logged while it lives.
class LogCapture {
 public:
  LogCapture() {
    std::array<int, 2> ends{-1, -1};
    EXPECT_EQ(::pipe(ends.data()), 0);
    reader_ = FileDescriptor(ends[0]);
    writer_ = FileDescriptor(ends[1]);
    log::use(writer_.get());
  }
  ~LogCapture() { log::use(STDERR_FILENO); }
  LogCapture(const LogCapture&) = delete;
  LogCapture& operator=(const LogCapture&) = delete;

  std::string text() {
    writer_.reset();
    log::use(STDERR_FILENO);
    std::string all;
    std::array<char, 1024> buffer;
    for (ssize_t count = 0; (count = ::read(reader_.get(), buffer.data(), buffer.size())) > 0;) {
      all.append(buffer.data(), static_cast<std::size_t>(count));
    }
    return all;
  }

 private:
  FileDescriptor reader_;
  FileDescriptor writer_;
};

App throwing() {
  App app;
  const auto fail = [](const char* what) { throw std::runtime_error(what); };
  app.on_open = [fail](Connection&) { fail("open failed"); };
  app.on_resume = [fail](Connection&) { fail("resume failed"); };
  app.on_message = [fail](Connection&, Message) { fail("message failed"); };
  app.on_buffer_full = [fail](Connection&) { fail("full failed"); };
  app.on_buffer_drain = [fail](Connection&) { fail("drain failed"); };
  app.on_close = [fail](Connection&, CloseInfo) { fail("close failed"); };
  app.on_worker_start = [fail](Worker&) { fail("start failed"); };
  app.on_worker_stop = [fail](Worker&) { fail("stop failed"); };
  return app;
}

TEST(AppHost, ExceptionsOfEveryCallbackStopThereAndAreLogged) {
  test::FakeAppHost host(throwing());
  AnyConnection connection;
  test::FakeWorker worker;
  LogCapture log;
  EXPECT_EQ(host.open(*connection), Outcome::threw);
  EXPECT_EQ(host.resume(*connection), Outcome::threw);
  EXPECT_EQ(host.message(*connection, {}), Outcome::threw);
  EXPECT_EQ(host.buffer_full(*connection), Outcome::threw);
  EXPECT_EQ(host.buffer_drain(*connection), Outcome::threw);
  host.close(*connection, {});
  host.stop(worker);
  host.timer([] { throw std::runtime_error("timer failed"); });
  const std::string text = log.text();
  for (const char* expected : {"open failed", "resume failed", "message failed", "full failed", "drain failed",
                               "close failed", "stop failed", "timer failed"}) {
    EXPECT_NE(text.find(expected), std::string::npos) << expected;
  }
  EXPECT_NE(text.find("on_message threw on connection 1"), std::string::npos) << text;
}

TEST(AppHost, WhatIsNoExceptionTypeStopsThereToo) {
  App app;
  app.on_open = [](Connection&) { throw 7; };
  test::FakeAppHost host(std::move(app));
  AnyConnection connection;
  LogCapture log;
  EXPECT_EQ(host.open(*connection), Outcome::threw);
  EXPECT_NE(log.text().find("not a std::exception"), std::string::npos);
}

TEST(AppHost, WhatAnExceptionSaysStaysOneLine) {
  App app;
  app.on_open = [](Connection&) { throw std::runtime_error("two\nlines"); };
  test::FakeAppHost host(std::move(app));
  AnyConnection connection;
  LogCapture log;
  EXPECT_EQ(host.open(*connection), Outcome::threw);
  EXPECT_NE(log.text().find("two\\nlines"), std::string::npos);
}

TEST(AppHost, AFailedStartIsTheCallersToRefuse) {
  test::FakeAppHost host(throwing());
  test::FakeWorker worker;
  EXPECT_THROW(host.start(worker), std::runtime_error);
}

TEST(AppHost, CallbacksThatAreNotSetAreNoneToCall) {
  test::FakeAppHost host(App{});
  AnyConnection connection;
  test::FakeWorker worker;
  host.start(worker);
  EXPECT_EQ(host.open(*connection), Outcome::returned);
  EXPECT_EQ(host.resume(*connection), Outcome::returned);
  EXPECT_EQ(host.message(*connection, {}), Outcome::returned);
  EXPECT_EQ(host.buffer_full(*connection), Outcome::returned);
  EXPECT_EQ(host.buffer_drain(*connection), Outcome::returned);
  host.close(*connection, {});
  host.timer({});
  host.stop(worker);
}

TEST(AppHost, PassesOnWhatCame) {
  App app;
  std::string seen;
  app.on_message = [&seen](Connection& connection, Message message) {
    seen = std::to_string(connection.id()) + (message.type == MessageType::binary ? " binary " : " text ");
    seen += message.data;
  };
  app.on_close = [&seen](Connection&, CloseInfo info) {
    seen = std::to_string(info.code) + (info.clean ? " clean " : " unclean ") + std::string(info.reason);
  };
  test::FakeAppHost host(std::move(app));
  AnyConnection connection;
  EXPECT_EQ(host.message(*connection, {.data = "hello", .type = MessageType::binary}), Outcome::returned);
  EXPECT_EQ(seen, "1 binary hello");
  host.close(*connection, {.code = 4000, .reason = "bye", .clean = true});
  EXPECT_EQ(seen, "4000 clean bye");
}

TEST(AppHost, TheModulesBodySeesTheSettings) {
  static std::string seen;
  const AppModule module{.abi_tag = WSD_ABI_TAG, .define = [](App& app) {
                           seen = std::string(app.setting("key")) + "/" + std::string(app.setting("none", "x"));
                         }};
  const AppHost host(module, {{"key", "value"}});
  EXPECT_EQ(seen, "value/x");
}

// A request for nothing but a page.
class PageRequest final : public Request {
 public:
  explicit PageRequest(std::string_view path) : path_(path) {}
  [[nodiscard]] std::string_view method() const override { return "GET"; }
  [[nodiscard]] std::string_view path() const override { return path_; }
  [[nodiscard]] std::string_view query() const override { return {}; }
  [[nodiscard]] std::string_view header(std::string_view /*name*/) const override { return {}; }
  [[nodiscard]] std::string_view body() const override { return {}; }
  [[nodiscard]] std::string_view remote_address() const override { return {}; }

 private:
  std::string_view path_;
};

TEST(AppHost, AnswersRequestsByTheApplicationOrWithTheFrontPage) {
  const AppModule silent{.abi_tag = WSD_ABI_TAG, .define = [](App&) {}};
  EXPECT_FALSE(AppHost(silent, {}).answers(PageRequest("/")));
  AppHost with_page(silent, {}, FrontPage::shown);
  EXPECT_TRUE(with_page.answers(PageRequest("/")));
  EXPECT_FALSE(with_page.answers(PageRequest("/other")));
  ResponseDraft page;
  EXPECT_EQ(with_page.request(PageRequest("/"), page), Outcome::returned);
  EXPECT_TRUE(page.take().body.starts_with("<!doctype html>"));

  const AppModule answering{.abi_tag = WSD_ABI_TAG, .define = [](App& app) {
                              app.on_request = [](const Request&, Response& response) { response.write("mine"); };
                            }};
  AppHost own(answering, {}, FrontPage::shown);
  EXPECT_TRUE(own.answers(PageRequest("/other")));
  ResponseDraft answer;
  EXPECT_EQ(own.request(PageRequest("/"), answer), Outcome::returned);
  EXPECT_EQ(answer.take().body, "mine");
}

TEST(AppHost, ABodyThatThrowsRefusesTheStart) {
  const AppModule module{.abi_tag = WSD_ABI_TAG, .define = [](App&) { throw std::runtime_error("no"); }};
  EXPECT_THROW(AppHost(module, {}), std::runtime_error);
}

}  // namespace
}  // namespace wsd::worker
