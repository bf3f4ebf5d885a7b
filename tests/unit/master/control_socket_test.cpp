#include "master/control_socket.h"

#include <gmock/gmock.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <memory>

#include "master/control_client.h"
#include "master/exit_status.h"
#include "tests/unit/support/child_process.h"
#include "tests/unit/support/temporary_directory.h"

namespace wsd::master {
namespace {

using Outcome = ControlClient::Outcome;
using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;
using testing::HasSubstr;

class ControlSocketTest : public testing::Test {
 protected:
  static steady_clock::time_point soon() { return steady_clock::now() + seconds(20); }

  // One turn of the master's loop; `later` shifts what it takes for now.
  std::vector<ControlSocket::Incoming> turn(milliseconds later = {}) {
    std::vector<pollfd> fds;
    server->append_poll_fds(fds);
    EXPECT_GE(::poll(fds.data(), fds.size(), 0), 0);
    return server->handle_ready(fds, steady_clock::now() + later);
  }

  // Everything that can be served without waiting.
  std::vector<ControlSocket::Incoming> turns() {
    std::vector<ControlSocket::Incoming> all;
    for (int i = 0; i < 20; ++i) {
      for (auto& incoming : turn()) all.push_back(std::move(incoming));
    }
    return all;
  }

  std::unique_ptr<ControlClient> connected() {
    auto client = std::make_unique<ControlClient>();
    EXPECT_EQ(client->connect(path, soon()), Outcome::ok);
    turns();
    return client;
  }

  std::size_t clients() {
    std::vector<pollfd> fds;
    server->append_poll_fds(fds);
    return fds.size() - 1;
  }

  static std::string next_line(ControlClient& client) {
    std::string line;
    return client.read_line(line, soon()) == Outcome::ok ? line : "(closed)";
  }

  testing_support::TemporaryDirectory directory;
  std::string path = directory.file("wsd.sock");
  std::unique_ptr<ControlSocket> server = std::make_unique<ControlSocket>(path);
};

TEST_F(ControlSocketTest, IsForItsOwnerAloneAndGoesWithItsObject) {
  struct stat status {};
  ASSERT_EQ(::stat(path.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0600U);
  server.reset();
  EXPECT_NE(::stat(path.c_str(), &status), 0);
}

TEST_F(ControlSocketTest, HandsUpARequestAndCarriesTheAnswer) {
  const auto client = connected();
  ASSERT_EQ(client->send_line(R"({"command":"stop","graceful":true})", soon()), Outcome::ok);
  const auto requests = turns();
  ASSERT_EQ(requests.size(), 1U);
  EXPECT_TRUE(requests[0].request.graceful);
  EXPECT_EQ(next_line(*client), accepted_answer);

  server->answer(requests[0].client, info_answer("1 client left"));
  server->finish(requests[0].client, CommandStatus::failed, "it survived");
  EXPECT_EQ(next_line(*client), R"({"info":"1 client left"})");
  EXPECT_EQ(next_line(*client), R"({"done":true,"exit":1,"error":"it survived"})");
  EXPECT_EQ(next_line(*client), "(closed)");
  EXPECT_EQ(clients(), 0U);
}

TEST_F(ControlSocketTest, TakesARequestByteByByte) {
  const auto client = connected();
  const std::string line = "{\"command\":\"status\"}\n";
  std::vector<ControlSocket::Incoming> requests;
  for (const char byte : line.substr(0, line.size() - 1)) {
    ASSERT_TRUE(requests.empty());
    ASSERT_EQ(client->send_bytes(std::string_view(&byte, 1), soon()), Outcome::ok);
    for (auto& incoming : turn()) requests.push_back(std::move(incoming));
  }
  ASSERT_EQ(client->send_bytes("\n", soon()), Outcome::ok);
  EXPECT_EQ(turns().size(), 1U);
}

TEST_F(ControlSocketTest, ServesManyClientsAtOnce) {
  std::vector<std::unique_ptr<ControlClient>> all;
  for (std::size_t i = 0; i < ControlSocket::max_clients; ++i) all.push_back(connected());
  for (const auto& client : all) ASSERT_EQ(client->send_line(R"({"command":"status"})", soon()), Outcome::ok);
  const auto requests = turns();
  ASSERT_EQ(requests.size(), all.size());
  for (const auto& incoming : requests) server->finish(incoming.client, CommandStatus::done);
  for (const auto& client : all) {
    EXPECT_EQ(next_line(*client), accepted_answer);
    EXPECT_EQ(next_line(*client), R"({"done":true,"exit":0})");
  }
}

TEST_F(ControlSocketTest, RefusesOneClientTooManyPolitely) {
  std::vector<std::unique_ptr<ControlClient>> all;
  for (std::size_t i = 0; i < ControlSocket::max_clients; ++i) all.push_back(connected());
  const auto one_too_many = connected();
  EXPECT_THAT(next_line(*one_too_many), HasSubstr("too many"));
  EXPECT_EQ(next_line(*one_too_many), "(closed)");
  all.clear();
  turns();
  const auto next = connected();
  ASSERT_EQ(next->send_line(R"({"command":"status"})", soon()), Outcome::ok);
  EXPECT_EQ(turns().size(), 1U);
}

TEST_F(ControlSocketTest, RefusesWhatIsNoRequest) {
  const auto client = connected();
  ASSERT_EQ(client->send_line("GET / HTTP/1.1", soon()), Outcome::ok);
  EXPECT_TRUE(turns().empty());
  EXPECT_THAT(next_line(*client), HasSubstr(R"("exit":2)"));
  EXPECT_EQ(next_line(*client), "(closed)");
  EXPECT_EQ(clients(), 0U);
}

TEST_F(ControlSocketTest, RefusesALineWithoutEnd) {
  const auto client = connected();
  const std::string block(16 * 1024, 'x');
  for (int i = 0; i < 5; ++i) {
    static_cast<void>(client->send_bytes(block, soon()));
    EXPECT_TRUE(turn().empty());
  }
  turns();
  EXPECT_THAT(next_line(*client), HasSubstr("65536 bytes"));
  EXPECT_EQ(clients(), 0U);
}

TEST_F(ControlSocketTest, ForgetsAClientThatLeaves) {
  auto client = connected();
  ASSERT_EQ(client->send_line(R"({"command":"status"})", soon()), Outcome::ok);
  const auto requests = turns();
  ASSERT_EQ(requests.size(), 1U);
  client.reset();
  turns();
  EXPECT_EQ(clients(), 0U);
  server->answer(requests[0].client, info_answer("nobody hears this"));
  server->finish(requests[0].client, CommandStatus::done);
}

TEST_F(ControlSocketTest, AnswersAClientThatHasSaidAllItHasToSay) {
  const auto client = connected();
  ASSERT_EQ(client->send_line(R"({"command":"status"})", soon()), Outcome::ok);
  client->shut_down_sending();
  const auto requests = turns();
  ASSERT_EQ(requests.size(), 1U);
  server->finish(requests[0].client, CommandStatus::done);
  EXPECT_EQ(next_line(*client), accepted_answer);
  EXPECT_EQ(next_line(*client), R"({"done":true,"exit":0})");
}

TEST_F(ControlSocketTest, DropsAClientThatSaysNothing) {
  const auto silent = connected();
  ASSERT_EQ(clients(), 1U);
  ASSERT_TRUE(server->next_deadline());
  static_cast<void>(turn(seconds(9)));
  EXPECT_EQ(clients(), 1U);
  static_cast<void>(turn(seconds(11)));
  EXPECT_EQ(clients(), 0U);
  EXPECT_FALSE(server->next_deadline());
}

TEST_F(ControlSocketTest, WaitsWithoutADeadlineForItsOwnMaster) {
  const auto client = connected();
  ASSERT_EQ(client->send_line(R"({"command":"stop"})", soon()), Outcome::ok);
  ASSERT_EQ(turns().size(), 1U);
  EXPECT_FALSE(server->next_deadline());
  static_cast<void>(turn(seconds(3600)));
  EXPECT_EQ(clients(), 1U);
}

TEST_F(ControlSocketTest, KeepsALongAnswerForASlowReader) {
  const auto client = connected();
  ASSERT_EQ(client->send_line(R"({"command":"status"})", soon()), Outcome::ok);
  const auto requests = turns();
  ASSERT_EQ(requests.size(), 1U);
  const std::string text(3'000'000, 'x');
  server->answer(requests[0].client, info_answer(text));
  server->finish(requests[0].client, CommandStatus::done);
  EXPECT_TRUE(server->next_deadline());

  testing_support::ChildProcess reader([&](const auto& ready) {
    ready();
    std::string line;
    const bool accepted = client->read_line(line, soon()) == Outcome::ok;
    const bool whole = client->read_line(line, soon()) == Outcome::ok && line == info_answer(text);
    const bool last = client->read_line(line, soon()) == Outcome::ok && line == R"({"done":true,"exit":0})";
    return accepted && whole && last ? 0 : 1;
  });
  while (clients() > 0 && steady_clock::now() < soon()) static_cast<void>(turn());
  EXPECT_EQ(reader.wait(), 0);
}

TEST_F(ControlSocketTest, DropsAReaderThatDoesNotRead) {
  const auto client = connected();
  ASSERT_EQ(client->send_line(R"({"command":"status"})", soon()), Outcome::ok);
  const auto requests = turns();
  ASSERT_EQ(requests.size(), 1U);
  server->finish(requests[0].client, CommandStatus::failed, std::string(3'000'000, 'x'));
  ASSERT_EQ(clients(), 1U);
  static_cast<void>(turn(seconds(25)));
  static_cast<void>(turn(seconds(50)));
  EXPECT_EQ(clients(), 0U);
}

TEST_F(ControlSocketTest, ReplacesTheSocketOfADeadMaster) {
  server.reset();
  const testing_support::ChildProcess dead([this](const auto& ready) {
    const ControlSocket left_behind(path);
    ready();
    ::_exit(0);
    return 0;
  });
  ASSERT_TRUE(std::filesystem::exists(path));
  server = std::make_unique<ControlSocket>(path);
  const auto client = connected();
  EXPECT_EQ(client->server_pid(), ::getpid());
}

TEST_F(ControlSocketTest, ReplacesASymbolicLinkButNoFile) {
  server.reset();
  testing_support::write_file(directory.file("target"), "precious");
  ASSERT_EQ(::symlink(directory.file("target").c_str(), path.c_str()), 0);
  server = std::make_unique<ControlSocket>(path);
  EXPECT_EQ(testing_support::content_of(directory.file("target")), "precious");
  server.reset();

  testing_support::write_file(path, "precious");
  EXPECT_THROW(ControlSocket second(path), CommandError);
  EXPECT_EQ(testing_support::content_of(path), "precious");
}

TEST_F(ControlSocketTest, StaysWhereAForkedChildClosesIt) {
  testing_support::ChildProcess child([this](const auto& ready) {
    server->close_in_child();
    server.reset();
    ready();
    return 0;
  });
  child.wait();
  const auto client = connected();
  EXPECT_EQ(clients(), 1U);
}

TEST(ControlClient, FindsNoServer) {
  const testing_support::TemporaryDirectory directory;
  ControlClient client;
  EXPECT_EQ(client.connect(directory.file("none.sock"), steady_clock::now()), Outcome::no_server);
  testing_support::write_file(directory.file("file.sock"), "");
  EXPECT_EQ(client.connect(directory.file("file.sock"), steady_clock::now()), Outcome::no_server);
}

TEST(ControlClient, DoesNotWaitForeverForAMasterThatIsStopped) {
  const testing_support::TemporaryDirectory directory;
  const ControlSocket silent(directory.file("a.sock"));
  ControlClient client;
  ASSERT_EQ(client.connect(directory.file("a.sock"), steady_clock::now() + seconds(5)), Outcome::ok);
  std::string line;
  EXPECT_EQ(client.read_line(line, steady_clock::now() + milliseconds(20)), Outcome::timeout);
}

}  // namespace
}  // namespace wsd::master
