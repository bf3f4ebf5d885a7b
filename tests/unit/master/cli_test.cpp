#include "master/cli.h"

#include <gmock/gmock.h>
#include <poll.h>

#include <chrono>

#include "master/control_socket.h"
#include "master/exit_status.h"
#include "master/instance_lock.h"
#include "master/run_directory.h"
#include "master/signal_inbox.h"
#include "master/status_page.h"
#include "tests/unit/support/child_process.h"
#include "tests/unit/support/temporary_directory.h"

namespace wsd::master {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing_support::ChildProcess;

class Cli : public testing::Test {
 protected:
  Cli() {
    line.options.run_dir.give(directory.path());
    line.options.name.give("wsd");
  }

  // A master without workers: takes lock and socket, and does with each request what `serve` says until that is false.
  ChildProcess master(const std::function<bool(ControlSocket&, const ControlSocket::Incoming&)>& serve) {
    return ChildProcess([this, serve](const auto& ready) {
      const RunDirectory place = RunDirectory::locate(line.options);
      const InstanceLock lock(place.lock_file(), "wsd");
      ControlSocket control(place.control_socket());
      ready();
      while (true) {
        std::vector<pollfd> fds;
        control.append_poll_fds(fds);
        ::poll(fds.data(), fds.size(), -1);
        for (const auto& incoming : control.handle_ready(fds, std::chrono::steady_clock::now())) {
          if (!serve(control, incoming)) return 0;
        }
      }
    });
  }

  // A master that holds the lock and never says anything; it ends by TERM.
  ChildProcess mute_master() {
    return ChildProcess([this](const auto& ready) {
      const InstanceLock lock(RunDirectory::locate(line.options).lock_file(), "wsd");
      ready();
      ::pause();
      return 0;
    });
  }

  // What a command came to; its standard output is in `output`.
  CommandStatus run(void (*command)(const CommandLine&)) {
    testing::internal::CaptureStdout();
    CommandStatus status = CommandStatus::done;
    try {
      command(line);
    } catch (const CommandError& failure) {
      status = failure.status();
      error = failure.what();
    }
    output = testing::internal::GetCapturedStdout();
    return status;
  }

  testing_support::TemporaryDirectory directory;
  CommandLine line;
  std::string output;
  std::string error;
};

TEST_F(Cli, SaysThatNothingRuns) {
  line.channel = "room";
  for (const auto command : {stop_command, reload_command, status_command, publish_command}) {
    EXPECT_EQ(run(command), CommandStatus::not_running);
    EXPECT_THAT(error, HasSubstr("wsd start"));
  }
}

TEST_F(Cli, BelievesNoPidFile) {
  const ChildProcess bystander([](const auto& ready) {
    ready();
    ::pause();
    return 0;
  });
  testing_support::write_file(directory.file("wsd.pid"), std::to_string(bystander.pid()) + "\n");
  EXPECT_EQ(run(stop_command), CommandStatus::not_running);
  EXPECT_EQ(::kill(bystander.pid(), 0), 0);
  EXPECT_EQ(::waitpid(bystander.pid(), nullptr, WNOHANG), 0);
}

TEST_F(Cli, StopsTheMasterAndWaitsForItsEnd) {
  const ChildProcess child = master([](ControlSocket& control, const ControlSocket::Incoming& incoming) {
    control.answer(incoming.client, info_answer(incoming.request.graceful ? "gently" : "at once"));
    control.finish(incoming.client, CommandStatus::done);
    return false;
  });
  line.graceful = true;
  EXPECT_EQ(run(stop_command), CommandStatus::done) << error;
  EXPECT_THAT(output, AllOf(HasSubstr("gently"), HasSubstr("stopped")));
  EXPECT_EQ(::waitpid(child.pid(), nullptr, WNOHANG), child.pid());
}

TEST_F(Cli, CallsAMasterThatDiesWhileStoppingStopped) {
  const ChildProcess child = master([](ControlSocket&, const ControlSocket::Incoming&) { return false; });
  EXPECT_EQ(run(stop_command), CommandStatus::done) << error;
}

TEST_F(Cli, PassesOnWhyAStopFailed) {
  const ChildProcess child = master([](ControlSocket& control, const ControlSocket::Incoming& incoming) {
    control.finish(incoming.client, CommandStatus::failed, "worker 12 survived KILL");
    return false;
  });
  EXPECT_EQ(run(stop_command), CommandStatus::failed);
  EXPECT_EQ(error, "worker 12 survived KILL");
}

TEST_F(Cli, SignalsAMasterThatDoesNotAnswer) {
  const ChildProcess child = mute_master();
  EXPECT_EQ(run(stop_command), CommandStatus::done) << error;
  int status = 0;
  ASSERT_EQ(::waitpid(child.pid(), &status, 0), child.pid());
  EXPECT_EQ(WTERMSIG(status), SIGTERM);
}

TEST_F(Cli, DoesNotTalkToASocketOfAnotherThanTheLocksHolder) {
  const ChildProcess child = mute_master();
  const ControlSocket foreign(directory.file("wsd.sock"));
  EXPECT_EQ(run(status_command), CommandStatus::failed);
  EXPECT_THAT(error, HasSubstr("does not answer"));
}

TEST_F(Cli, ReloadsWithWhatWasGiven) {
  ASSERT_EQ(line.options.set_text("count", "8"), std::nullopt);
  const ChildProcess child = master([](ControlSocket& control, const ControlSocket::Incoming& incoming) {
    const bool good = incoming.request.command == ControlCommand::reload && *incoming.request.options.count == 8;
    control.answer(incoming.client, progress_answer("slot 0: 3 connections kept"));
    control.answer(incoming.client, reload_answer(R"({"generation":2})"));
    control.answer(incoming.client, info_answer("generation 2: 8 workers"));
    control.finish(incoming.client, good ? CommandStatus::done : CommandStatus::usage);
    return true;
  });
  EXPECT_EQ(run(reload_command), CommandStatus::done) << error;
  EXPECT_EQ(output, "generation 2: 8 workers\n") << "progress is for terminals";
  line.json = true;
  EXPECT_EQ(run(reload_command), CommandStatus::done) << error;
  EXPECT_EQ(output, "{\"generation\":2}\n");
}

TEST_F(Cli, PassesOnWhyAReloadWasRefused) {
  const ChildProcess child = master([](ControlSocket& control, const ControlSocket::Incoming& incoming) {
    control.finish(incoming.client, CommandStatus::failed, "the app refused to start");
    return true;
  });
  EXPECT_EQ(run(reload_command), CommandStatus::failed);
  EXPECT_EQ(error, "the app refused to start");
}

TEST_F(Cli, ReportsAMasterThatDiesDuringAReload) {
  const ChildProcess child = master([](ControlSocket&, const ControlSocket::Incoming&) { return false; });
  EXPECT_EQ(run(reload_command), CommandStatus::failed);
  EXPECT_THAT(error, HasSubstr("see its log"));
}

TEST_F(Cli, ShowsTheStatusAsTablesOrAsJson) {
  const std::string json = to_json(Status());
  const ChildProcess child = master([&json](ControlSocket& control, const ControlSocket::Incoming& incoming) {
    control.answer(incoming.client, status_answer(json));
    control.finish(incoming.client, CommandStatus::done);
    return true;
  });
  EXPECT_EQ(run(status_command), CommandStatus::done) << error;
  EXPECT_THAT(output, HasSubstr("GLOBAL STATUS"));
  line.json = true;
  EXPECT_EQ(run(status_command), CommandStatus::done) << error;
  EXPECT_EQ(output, json + "\n");
}

TEST_F(Cli, PublishesAndTellsWhoGotIt) {
  line.channel = "room";
  line.data = "hello";
  const ChildProcess child = master([](ControlSocket& control, const ControlSocket::Incoming& incoming) {
    const Publication& publication = incoming.request.publication;
    const bool good = publication.channel == "room" && publication.data == "hello";
    control.answer(incoming.client, published_answer(R"({"delivered_to":3,"partial":false})"));
    control.answer(incoming.client, info_answer(good ? "delivered to 3 subscribers" : "wrong"));
    control.finish(incoming.client, CommandStatus::done);
    return true;
  });
  EXPECT_EQ(run(publish_command), CommandStatus::done);
  EXPECT_EQ(output, "delivered to 3 subscribers\n");
  line.json = true;
  EXPECT_EQ(run(publish_command), CommandStatus::done);
  EXPECT_EQ(output, "{\"delivered_to\":3,\"partial\":false}\n");
}

TEST_F(Cli, RefusesToPublishWhatNoServerWouldTake) {
  const auto refused = [this](const std::string& channel, const std::string& data) {
    line.channel = channel;
    line.data = data;
    EXPECT_EQ(run(publish_command), CommandStatus::usage);
    return error;
  };
  EXPECT_THAT(refused("", "x"), HasSubstr("no channel"));
  EXPECT_THAT(refused(std::string(256, 'c'), "x"), HasSubstr("1 to 255 bytes"));
  EXPECT_THAT(refused("\xFF", "x"), HasSubstr("no channel"));
  EXPECT_THAT(refused("room", "\xFF"), HasSubstr("--binary"));
  EXPECT_THAT(refused("room", std::string(max_control_line, 'x')), HasSubstr("/v1/publish"));
  line.binary = true;
  EXPECT_THAT(refused("room", std::string(max_control_line / 2, 'x')), HasSubstr("/v1/publish"));
}

TEST_F(Cli, RestartsWithWhatTheMasterRememberedUnderWhatIsGiven) {
  Options remembered;
  ASSERT_EQ(remembered.set_text("app", "push"), std::nullopt);
  ASSERT_EQ(remembered.set_text("count", "2"), std::nullopt);
  const ChildProcess child = master([&](ControlSocket& control, const ControlSocket::Incoming& incoming) {
    if (incoming.request.command == ControlCommand::options)
      control.answer(incoming.client, options_answer(remembered, {.environment = {}, .flags = remembered}));
    control.finish(incoming.client, CommandStatus::done);
    return incoming.request.command == ControlCommand::options;
  });
  ASSERT_EQ(line.options.set_text("count", "8"), std::nullopt);
  OptionLayers layers;
  stop_for_restart(line, [&layers](const OptionLayers& wanted) { layers = wanted; });
  EXPECT_EQ(*layers.flags.app, "push");
  EXPECT_EQ(*layers.flags.count, 8U);
  EXPECT_EQ(::waitpid(child.pid(), nullptr, WNOHANG), child.pid());
}

TEST_F(Cli, RestartsWithWhatIsGivenWhereNothingRuns) {
  ASSERT_EQ(line.options.set_text("count", "8"), std::nullopt);
  unsigned count = 0;
  stop_for_restart(line, [&count](const OptionLayers& wanted) { count = *wanted.flags.count; });
  EXPECT_EQ(count, 8U);
}

TEST_F(Cli, NamesPidAndOwnerWhereItHasNoPermission) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root, to become somebody else";
  std::filesystem::permissions(directory.path(), std::filesystem::perms(0755));
  const ChildProcess child = master([](ControlSocket&, const ControlSocket::Incoming&) { return true; });
  for (const auto command : {stop_command, reload_command, status_command}) {
    ASSERT_EQ(::seteuid(65534), 0);
    const CommandStatus status = run(command);
    ASSERT_EQ(::seteuid(0), 0);
    EXPECT_EQ(status, CommandStatus::no_permission);
    EXPECT_THAT(error, AllOf(HasSubstr("pid " + std::to_string(child.pid())), HasSubstr("root")));
  }
}

}  // namespace
}  // namespace wsd::master
