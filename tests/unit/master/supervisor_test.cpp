// Each promise of the supervisor as a short story. Workers are named by their keys: a server of n slots starts with the
// workers 1 to n in the slots 0 to n-1; whoever is spawned later has the next number.

#include "master/supervisor.h"

#include <gmock/gmock.h>

#include <csignal>
#include <set>

#include "tests/unit/master/action_text.h"
#include "worker/exit_code.h"

namespace wsd::master {
namespace {

using namespace std::chrono_literals;
using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;

using Trace = std::vector<std::string>;

constexpr ExitStatus exits_with(int code) {
  return {.code = code, .signal = 0};
}
constexpr ExitStatus exits_with(worker::ExitCode code) {
  return exits_with(static_cast<int>(code));
}
constexpr ExitStatus dies_of(int signal) {
  return {.code = 0, .signal = signal};
}
constexpr ExitStatus kDone{};

// A server in which everything goes well unless the test says otherwise: all workers beat their hearts but those that
// are stalled, and the master looks whenever it is due.
class Story {
 public:
  explicit Story(unsigned count) : Story(SupervisorSettings{.count = count}) {}
  explicit Story(const SupervisorSettings& settings) : supervisor_(settings) {}

  // What the supervisor did about it; log lines and counted exits are kept apart.
  Trace tell(const Event& event) {
    Trace trace;
    for (const Action& action : supervisor_.handle(event, now_)) {
      const auto* exit = std::get_if<CountExit>(&action);
      if (exit != nullptr) exits.push_back(to_string(exit->status));
      if (exit != nullptr) history_lost += exit->lost.messages;
      if (exit == nullptr) (std::holds_alternative<Log>(action) ? log : trace).push_back(to_text(action));
    }
    return trace;
  }

  Trace starts() { return tell(Started{}); }
  Trace is_ready(WorkerKey key) { return tell(Ready{key}); }
  Trace ends(WorkerKey key, ExitStatus how, std::string last_words = "") {
    return tell(Exited{key, how, std::move(last_words)});
  }
  Trace ends_with_history(WorkerKey key, ExitStatus how, HeldHistory history) {
    return tell(Exited{.key = key, .status = how, .last_words = "", .history = history});
  }
  Trace has_closed(WorkerKey key, Slot slot) { return tell(Released{key, slot}); }
  Trace is_full(WorkerKey key) { return tell(Full{key}); }
  Trace has_room(WorkerKey key) { return tell(HasRoom{key}); }
  Trace reloads(unsigned count) { return tell(ReloadRequested{count}); }
  Trace stops() { return tell(StopRequested{.graceful = false}); }
  Trace stops_gracefully() { return tell(StopRequested{.graceful = true}); }
  Trace stops_now() { return tell(StopNowRequested{}); }

  Trace takes_over(WorkerKey key) { return tell(TookOver{key, 0, 0ms}); }
  // A successor, from its being ready to its having the clients of its predecessor.
  Trace replaces(WorkerKey key) {
    Trace trace = is_ready(key);
    append(trace, takes_over(key));
    return trace;
  }

  void is_up() {
    starts();
    for (const auto& worker : supervisor_.workers()) is_ready(worker.key);
  }

  void stalls(WorkerKey key) { stalled_.insert(key); }
  void wakes(WorkerKey key) { stalled_.erase(key); }

  // Time goes on, with a look whenever one is due.
  Trace after(Duration duration) {
    Trace trace;
    const TimePoint end = now_ + duration;
    while (supervisor_.next_deadline() && *supervisor_.next_deadline() <= end) {
      now_ = std::max(now_, *supervisor_.next_deadline());
      look(trace);
    }
    now_ = end;
    return trace;
  }

  // The master sleeps, and then has its first look.
  Trace master_sleeps(Duration duration) {
    Trace trace;
    now_ += duration;
    look(trace);
    return trace;
  }

  std::string who_is_there() const {
    std::string text;
    for (const auto& worker : supervisor_.workers()) {
      constexpr const char* kStates[] = {"starting", "running", "busy", "relaying", "stopping"};
      text +=
          fmt::format("{}{} slot {} gen {} {}{}", text.empty() ? "" : "; ", worker.key, worker.slot, worker.generation,
                      kStates[static_cast<int>(worker.state)], worker.current ? "" : " (not current)");
    }
    return text;
  }

  Supervisor& supervisor() { return supervisor_; }
  TimePoint now() const { return now_; }

  Trace log;
  Trace exits;
  std::uint64_t history_lost = 0;  // with them

 private:
  void look(Trace& trace) {
    for (const auto& worker : supervisor_.workers()) {
      if (!stalled_.contains(worker.key)) append(trace, tell(Heartbeat{worker.key, now_}));
    }
    append(trace, tell(Tick{}));
  }

  static void append(Trace& trace, const Trace& more) { trace.insert(trace.end(), more.begin(), more.end()); }

  Supervisor supervisor_;
  TimePoint now_{1h};
  std::set<WorkerKey> stalled_;
};

// ---- the start

TEST(SupervisorStart, SpawnsAWorkerForEverySlot) {
  Story story(3);
  EXPECT_THAT(story.starts(),
              ElementsAre("open 3 slots", "spawn 1 slot 0 gen 1", "spawn 2 slot 1 gen 1", "spawn 3 slot 2 gen 1"));
}

TEST(SupervisorStart, IsReportedWhenTheLastWorkerIsReady) {
  Story story(2);
  story.starts();
  EXPECT_THAT(story.is_ready(2), IsEmpty());
  EXPECT_THAT(story.is_ready(1), ElementsAre("started"));
}

TEST(SupervisorStart, FailsWithTheWordsOfAWorkerThatCannotStart) {
  Story story(2);
  story.starts();
  story.is_ready(1);
  EXPECT_THAT(story.ends(2, exits_with(worker::ExitCode::cannot_start), "no such file: hello.so"),
              ElementsAre("start failed: no such file: hello.so", "leave 1"));
  EXPECT_THAT(story.ends(1, kDone), ElementsAre("stopped"));
}

TEST(SupervisorStart, FailsWhenAWorkerCrashesWhileStarting) {
  Story story(1);
  story.starts();
  EXPECT_THAT(story.ends(1, dies_of(SIGSEGV)),
              ElementsAre("start failed: worker of slot 0 was killed by SIGSEGV while starting", "stopped"));
}

TEST(SupervisorStart, FailsWhenAWorkerThatWasReadyCrashesBeforeTheOthersAre) {
  Story story(2);
  story.starts();
  story.is_ready(1);
  EXPECT_THAT(story.ends(1, exits_with(1)),
              ElementsAre("start failed: worker of slot 0 ended with exit 1 while starting", "leave 2"));
}

TEST(SupervisorStart, FailsWhenForkDoes) {
  Story story(1);
  story.starts();
  EXPECT_THAT(story.tell(SpawnFailed{1, ENOMEM}),
              ElementsAre("start failed: cannot start the worker of slot 0: Cannot allocate memory", "stopped"));
}

TEST(SupervisorStart, FailsWhenAWorkerIsNotReadyInTime) {
  Story story(2);
  story.starts();
  story.is_ready(1);
  EXPECT_THAT(story.after(59s), IsEmpty());
  EXPECT_THAT(story.after(1s),
              ElementsAre("kill 2", "start failed: worker of slot 1 was not ready within 60 s", "leave 1"));
}

TEST(SupervisorStart, LetsNobodyAcceptForOthersBeforeItIsReported) {
  Story story(2);
  story.starts();
  EXPECT_THAT(story.is_ready(1), IsEmpty());
  EXPECT_THAT(story.after(30s), IsEmpty());
}

TEST(SupervisorStart, CanBeStoppedOnItsWay) {
  Story story(2);
  story.starts();
  story.is_ready(1);
  EXPECT_THAT(story.stops(), ElementsAre("start failed: it was told to stop while starting", "leave 1", "leave 2"));
  story.ends(1, kDone);
  EXPECT_THAT(story.ends(2, dies_of(SIGSEGV)), ElementsAre("stopped"));
}

// ---- respawning

TEST(SupervisorRespawn, ComesAtOnceTheFirstTime) {
  Story story(2);
  story.is_up();
  EXPECT_THAT(story.ends(1, dies_of(SIGKILL)), ElementsAre("spawn 3 slot 0 gen 1", "serve 2 slot 0"));
  EXPECT_THAT(story.log, ElementsAre("log: worker of slot 0 was killed by SIGKILL after 0 ms; respawned at once"));
}

TEST(SupervisorRespawn, SaysWhatHistoryWentWithAWorkerThatNobodyHadToldToEnd) {
  Story story(2);
  story.is_up();
  story.ends_with_history(1, dies_of(SIGKILL), {.messages = 120, .channels = 3});
  EXPECT_THAT(story.log.back(), HasSubstr("the history of 3 channels that the worker of slot 0 kept is lost"));
  EXPECT_EQ(story.history_lost, 120U);
  story.log.clear();
  story.stops();
  story.ends_with_history(2, kDone, {.messages = 7, .channels = 1});
  EXPECT_THAT(story.log, Not(Contains(HasSubstr("is lost"))));
  EXPECT_EQ(story.history_lost, 120U);
}

TEST(SupervisorRespawn, WaitsTwiceAsLongEachTimeUpToTenSeconds) {
  Story story(1);
  story.is_up();
  WorkerKey worker = 1;
  for (const Duration delay : {0ms, 100ms, 200ms, 400ms, 800ms, 1600ms, 3200ms, 6400ms, 10000ms, 10000ms}) {
    Trace trace = story.ends(worker, exits_with(250));
    if (delay > 0ms) {
      EXPECT_THAT(trace, IsEmpty());
      EXPECT_THAT(story.after(delay - 1ms), IsEmpty());
      trace = story.after(1ms);
    }
    EXPECT_THAT(trace, ElementsAre(fmt::format("spawn {} slot 0 gen 1", ++worker)));
    story.is_ready(worker);
  }
}

TEST(SupervisorRespawn, SaysOnceThatAWorkerKeepsDying) {
  Story story(1);
  story.is_up();
  for (WorkerKey worker = 1; worker <= 20; ++worker) {
    story.ends(worker, exits_with(250));
    story.after(10s);
  }
  const std::string hint = "log: worker of slot 0 keeps dying: a new one is tried every 10 s from now on";
  EXPECT_EQ(std::ranges::count(story.log, hint), 1);
  EXPECT_EQ(story.log.size(), 21U) << "and a line for each death";
}

TEST(SupervisorRespawn, StartsAnewAfterAWorkerThatServedLongEnough) {
  Story story(1);
  story.is_up();
  story.ends(1, dies_of(SIGSEGV));
  story.is_ready(2);
  story.after(30s);
  EXPECT_THAT(story.ends(2, dies_of(SIGSEGV)), ElementsAre("spawn 3 slot 0 gen 1"));
}

TEST(SupervisorRespawn, DoesNotCountTimeBeforeReadyAsService) {
  Story story(1);
  story.is_up();
  story.ends(1, dies_of(SIGSEGV));
  story.after(40s);
  story.is_ready(2);
  EXPECT_THAT(story.ends(2, dies_of(SIGSEGV)), IsEmpty());
}

TEST(SupervisorRespawn, WaitsAlsoTheFirstTimeForAWorkerThatCannotStart) {
  Story story(1);
  story.is_up();
  story.ends(1, dies_of(SIGSEGV));
  story.after(30s);
  story.ends(2, exits_with(worker::ExitCode::cannot_start), "database is away");
  EXPECT_EQ(story.log.back(), "log: worker of slot 0 could not start: database is away; respawned in 100 ms");
}

TEST(SupervisorRespawn, WaitsWhenForkFails) {
  Story story(1);
  story.is_up();
  EXPECT_THAT(story.ends(1, dies_of(SIGSEGV)), ElementsAre("spawn 2 slot 0 gen 1"));
  EXPECT_THAT(story.tell(SpawnFailed{2, EAGAIN}), IsEmpty());
  EXPECT_THAT(story.after(100ms), ElementsAre("spawn 3 slot 0 gen 1"));
  EXPECT_EQ(story.log.back(),
            "log: cannot start the worker of slot 0: Resource temporarily unavailable; respawned in 100 ms");
}

TEST(SupervisorRespawn, KillsAWorkerThatIsNotReadyInTime) {
  Story story(1);
  story.is_up();
  story.ends(1, dies_of(SIGSEGV));
  EXPECT_THAT(story.after(60s), ElementsAre("kill 2"));
  EXPECT_THAT(story.ends(2, dies_of(SIGKILL)), IsEmpty());
  EXPECT_THAT(story.after(100ms), ElementsAre("spawn 3 slot 0 gen 1"));
}

// ---- who accepts for whom

TEST(SupervisorSockets, GoBackToTheRespawnedWorkerWhenItIsReady) {
  Story story(2);
  story.is_up();
  EXPECT_THAT(story.ends(1, dies_of(SIGKILL)), Contains("serve 2 slot 0"));
  EXPECT_THAT(story.after(5s), IsEmpty());
  EXPECT_THAT(story.is_ready(3), ElementsAre("release 2 slot 0"));
}

TEST(SupervisorSockets, OfAStalledWorkerAreServedByItsNeighbourUntilItIsBack) {
  Story story(3);
  story.is_up();
  story.stalls(2);
  EXPECT_THAT(story.after(499ms), IsEmpty());
  EXPECT_THAT(story.after(1ms), ElementsAre("serve 3 slot 1"));
  EXPECT_THAT(story.who_is_there(), HasSubstr("2 slot 1 gen 1 busy"));
  story.after(3s);
  story.wakes(2);
  EXPECT_THAT(story.after(100ms), ElementsAre("release 3 slot 1"));
  EXPECT_THAT(story.who_is_there(), HasSubstr("2 slot 1 gen 1 running"));
}

TEST(SupervisorSockets, MoveOnWhenTheHelperStallsToo) {
  Story story(3);
  story.is_up();
  story.stalls(1);
  EXPECT_THAT(story.after(500ms), ElementsAre("serve 2 slot 0"));
  story.stalls(2);
  EXPECT_THAT(story.after(600ms), ElementsAre("serve 3 slot 0", "serve 3 slot 1", "release 2 slot 0"));
}

TEST(SupervisorSockets, OfAFullWorkerAreServedByItsNeighbourToo) {
  Story story(2);
  story.is_up();
  EXPECT_THAT(story.is_full(1), ElementsAre("serve 2 slot 0"));
  EXPECT_THAT(story.has_room(1), ElementsAre("release 2 slot 0"));
}

TEST(SupervisorSockets, AreNotGivenToAFullNeighbour) {
  Story story(3);
  story.is_up();
  EXPECT_THAT(story.is_full(2), ElementsAre("serve 3 slot 1"));
  EXPECT_THAT(story.ends(1, dies_of(SIGKILL)), ElementsAre("spawn 4 slot 0 gen 1", "serve 3 slot 0"));
}

TEST(SupervisorSockets, AreServedWithRefusalsWhileAllAreFull) {
  Story story(2);
  story.is_up();
  EXPECT_THAT(story.is_full(1), ElementsAre("serve 2 slot 0"));
  EXPECT_THAT(story.is_full(2), ElementsAre("refuse 1", "refuse 2"));
  EXPECT_THAT(story.has_room(1), ElementsAre("serve 1 slot 1", "release 2 slot 0", "stop refusing 2"));
  EXPECT_THAT(story.has_room(2), ElementsAre("release 1 slot 1"));
}

TEST(SupervisorSockets, StayWithAStalledHelperWhenNobodyElseIsLeft) {
  Story story(2);
  story.is_up();
  EXPECT_THAT(story.ends(1, exits_with(worker::ExitCode::cannot_start)), ElementsAre("serve 2 slot 0"));
  story.stalls(2);
  EXPECT_THAT(story.after(2s), Not(Contains("release 2 slot 0")));
}

// ---- the watchdog

TEST(SupervisorWatchdog, AbortsASilentWorkerThenKillsItThenReplacesIt) {
  Story story(1);
  story.is_up();
  story.stalls(1);
  EXPECT_THAT(story.after(9999ms), IsEmpty());
  EXPECT_THAT(story.after(1ms), ElementsAre("abort 1"));
  EXPECT_THAT(story.after(999ms), IsEmpty());
  EXPECT_THAT(story.after(1ms), ElementsAre("kill 1"));
  EXPECT_THAT(story.after(1min), IsEmpty()) << "nobody comes before it is reaped";
  EXPECT_THAT(story.ends(1, dies_of(SIGKILL)), ElementsAre("spawn 2 slot 0 gen 1"));
}

TEST(SupervisorWatchdog, GoesByTheTimeThatAReloadHasChanged) {
  Story story(1);
  story.is_up();
  story.supervisor().change_timeouts(2s, 30s, 3s);
  story.stalls(1);
  EXPECT_THAT(story.after(2999ms), IsEmpty());
  EXPECT_THAT(story.after(1ms), ElementsAre("abort 1"));
}

TEST(SupervisorWatchdog, SparesAWorkerThatWasStoppedForLess) {
  Story story(1);
  story.is_up();
  story.stalls(1);
  EXPECT_THAT(story.after(9900ms), IsEmpty());
  story.wakes(1);
  EXPECT_THAT(story.after(1min), IsEmpty());
}

TEST(SupervisorWatchdog, JudgesNobodyByTheTimeTheMasterSlept) {
  Story story(2);
  story.is_up();
  story.after(10s);
  story.stalls(1);
  story.stalls(2);
  EXPECT_THAT(story.master_sleeps(1min), IsEmpty());
  EXPECT_THAT(story.after(400ms), IsEmpty());
  story.wakes(1);
  EXPECT_THAT(story.after(200ms), ElementsAre("serve 1 slot 1"));
  EXPECT_THAT(story.after(9s), IsEmpty());
  EXPECT_THAT(story.after(500ms), ElementsAre("abort 2"));
}

TEST(SupervisorWatchdog, LeavesTheTimesOfStartAndStopToBeWhatTheyWereWhenTheMasterSleeps) {
  Story story(1);
  story.starts();
  story.after(30s);
  EXPECT_THAT(story.master_sleeps(1h), IsEmpty());
  EXPECT_THAT(story.after(29s), IsEmpty());
  EXPECT_THAT(story.is_ready(1), ElementsAre("started"));
  story.stops();
  EXPECT_THAT(story.master_sleeps(1h), IsEmpty());
  EXPECT_THAT(story.after(3s), ElementsAre("kill 1"));
}

TEST(SupervisorWatchdog, DoesNotTakeAnIdleMasterForASleepingOne) {
  Story story(1);
  story.is_up();
  for (WorkerKey worker = 1; worker <= 8; ++worker) {
    story.ends(worker, dies_of(SIGSEGV));
    story.after(10s);
  }
  story.ends(9, dies_of(SIGSEGV));
  story.after(9s);
  EXPECT_THAT(story.reloads(1), ElementsAre("spawn 10 slot 0 gen 2"));
  story.after(100ms);
  EXPECT_THAT(story.log, Not(Contains(HasSubstr("the master was late"))));
}

// ---- stopping

TEST(SupervisorStop, TellsEveryWorkerToLeaveAndEndsWhenAllAreReaped) {
  Story story(2);
  story.is_up();
  EXPECT_THAT(story.stops(), ElementsAre("leave 1", "leave 2"));
  EXPECT_THAT(story.ends(2, kDone), IsEmpty());
  EXPECT_THAT(story.ends(1, kDone), ElementsAre("stopped"));
  EXPECT_EQ(story.supervisor().next_deadline(), std::nullopt);
}

TEST(SupervisorStop, KillsWhoDoesNotLeave) {
  Story story(2);
  story.is_up();
  story.stops();
  story.ends(1, kDone);
  EXPECT_THAT(story.after(2999ms), IsEmpty());
  EXPECT_THAT(story.after(1ms), ElementsAre("kill 2"));
  EXPECT_THAT(story.ends(2, dies_of(SIGKILL)), ElementsAre("stopped"));
}

TEST(SupervisorStop, EndsThoughSomebodySurvivesTheKill) {
  Story story(1);
  story.is_up();
  story.stops();
  EXPECT_THAT(story.after(3s), ElementsAre("kill 1"));
  EXPECT_THAT(story.after(2s), ElementsAre("stopped with survivors"));
  EXPECT_THAT(story.ends(1, dies_of(SIGKILL)), IsEmpty());
}

TEST(SupervisorStop, RespawnsNobodyWhoDiesMeanwhile) {
  Story story(2);
  story.is_up();
  story.stops();
  EXPECT_THAT(story.ends(1, dies_of(SIGSEGV)), IsEmpty());
  EXPECT_THAT(story.log.back(), StartsWith("log: worker of slot 0 was killed by SIGSEGV after"));
}

TEST(SupervisorStop, DoesNotWaitForASlotThatBacksOff) {
  Story story(1);
  story.is_up();
  story.ends(1, exits_with(worker::ExitCode::cannot_start));
  EXPECT_THAT(story.stops(), ElementsAre("stopped"));
}

TEST(SupervisorStop, BringsNobodyBackWhoseTimeComes) {
  Story story(2);
  story.is_up();
  story.ends(1, exits_with(worker::ExitCode::cannot_start));
  EXPECT_THAT(story.stops(), ElementsAre("leave 2"));
  EXPECT_THAT(story.after(2s), IsEmpty());
}

TEST(SupervisorStop, DrainsWhenItIsGraceful) {
  Story story(1);
  story.is_up();
  EXPECT_THAT(story.stops_gracefully(), ElementsAre("drain 1 (graceful stop)"));
  EXPECT_THAT(story.after(29999ms), IsEmpty());
  EXPECT_THAT(story.after(1ms), ElementsAre("leave 1"));
  EXPECT_THAT(story.after(3s), ElementsAre("kill 1"));
}

TEST(SupervisorStop, TakesTheTimesThatWereChangedSince) {
  Story story(1);
  story.is_up();
  story.supervisor().change_timeouts(5s, 60s, 10s);
  story.stops_gracefully();
  EXPECT_THAT(story.after(59s), IsEmpty());
  EXPECT_THAT(story.after(1s), ElementsAre("leave 1"));
  EXPECT_THAT(story.after(6s), ElementsAre("kill 1"));
}

TEST(SupervisorStop, IsHastenedByASecondRequest) {
  Story story(1);
  story.is_up();
  story.stops_gracefully();
  story.after(1s);
  EXPECT_THAT(story.stops(), ElementsAre("leave 1"));
  EXPECT_THAT(story.stops(), IsEmpty());
  EXPECT_THAT(story.stops_gracefully(), IsEmpty()) << "and not slowed down by a third";
  EXPECT_THAT(story.stops_now(), ElementsAre("kill 1"));
}

TEST(SupervisorStop, EndsAtOnceBeforeTheStart) {
  Story story(1);
  EXPECT_THAT(story.stops(), ElementsAre("stopped"));
  EXPECT_THAT(story.starts(), IsEmpty());
}

// ---- reloading

TEST(SupervisorReload, ReplacesOneSlotAfterTheOther) {
  Story story(2);
  story.is_up();
  EXPECT_THAT(story.reloads(2), ElementsAre("spawn 3 slot 0 gen 2"));
  EXPECT_THAT(story.who_is_there(),
              StartsWith("1 slot 0 gen 1 running; 2 slot 1 gen 1 running; 3 slot 0 gen 2 starting"));
  EXPECT_THAT(story.replaces(3), ElementsAre("hand over 1 to 3", "leave 1", "spawn 4 slot 1 gen 2"));
  EXPECT_THAT(story.replaces(4), ElementsAre("hand over 2 to 4", "leave 2", "reloaded to gen 2"));
  EXPECT_EQ(story.supervisor().generation(), 2U);
}

TEST(SupervisorReload, KeepsTheOldWorkerCurrentUntilTheNewOneHasTakenOver) {
  Story story(1);
  story.is_up();
  story.reloads(1);
  EXPECT_THAT(story.is_ready(2), ElementsAre("hand over 1 to 2"));
  EXPECT_THAT(story.who_is_there(), "1 slot 0 gen 1 running; 2 slot 0 gen 2 running (not current)");
  EXPECT_THAT(story.takes_over(2), ElementsAre("leave 1", "reloaded to gen 2"));
  EXPECT_THAT(story.who_is_there(), "2 slot 0 gen 2 running; 1 slot 0 gen 1 stopping (not current)");
}

TEST(SupervisorReload, EndsWellThoughTheOldWorkerIsReapedBeforeTheNewOneTellsThatItTookOver) {
  Story story(1);
  story.is_up();
  story.reloads(1);
  story.is_ready(2);
  EXPECT_THAT(story.ends(1, kDone), ElementsAre("begin to serve 2")) << "it may still wait for what never comes";
  EXPECT_THAT(story.exits, IsEmpty());
  EXPECT_THAT(story.takes_over(2), ElementsAre("reloaded to gen 2"));
}

TEST(SupervisorReload, IsRefusedWhenTheFirstWorkerCannotHandOver) {
  Story story(2);
  story.is_up();
  story.reloads(2);
  story.is_ready(3);
  EXPECT_THAT(story.tell(HandoffFailed{1, "no memory"}),
              ElementsAre("leave 3", "reload failed: worker of slot 0 kept its clients: no memory"));
  EXPECT_THAT(story.ends(3, kDone), IsEmpty());
  EXPECT_THAT(story.who_is_there(), "1 slot 0 gen 1 running; 2 slot 1 gen 1 running");
}

TEST(SupervisorReload, TriesAgainWhenALaterWorkerCannotHandOver) {
  Story story(2);
  story.is_up();
  story.reloads(2);
  story.replaces(3);
  story.is_ready(4);
  EXPECT_THAT(story.tell(HandoffFailed{2, "no memory"}), ElementsAre("leave 4"));
  EXPECT_THAT(story.after(100ms), ElementsAre("spawn 5 slot 1 gen 2"));
  EXPECT_THAT(story.replaces(5), ElementsAre("hand over 2 to 5", "leave 2", "reloaded to gen 2"));
}

TEST(SupervisorReload, LeavesAWorkerThatRelaysInPeace) {
  Story story(1);
  story.is_up();
  story.reloads(1);
  story.is_ready(2);
  EXPECT_THAT(story.tell(Relays{1}), IsEmpty());
  EXPECT_THAT(story.takes_over(2), ElementsAre("reloaded to gen 2"));
  EXPECT_THAT(story.who_is_there(), "2 slot 0 gen 2 running; 1 slot 0 gen 1 relaying (not current)");
  EXPECT_THAT(story.after(1000s), IsEmpty()) << "it has all the time it likes";
  EXPECT_THAT(story.ends(1, kDone), IsEmpty());
  EXPECT_THAT(story.exits, IsEmpty());
}

// A reload of a server with one slot that leaves a relay behind.
Trace reloads_and_relays(Story& story, WorkerKey old) {
  Trace trace = story.reloads(1);
  story.is_ready(old + 1);
  story.tell(Relays{old});
  const Trace more = story.takes_over(old + 1);
  trace.insert(trace.end(), more.begin(), more.end());
  return trace;
}

TEST(SupervisorReload, AbortsARelayThatIsStuckAndThenKillsIt) {
  Story story(1);
  story.is_up();
  reloads_and_relays(story, 1);
  story.stalls(1);
  EXPECT_THAT(story.after(9800ms), IsEmpty());
  EXPECT_THAT(story.log, IsEmpty()) << "nobody can take its place, so that it is late concerns nobody";
  EXPECT_THAT(story.after(300ms), ElementsAre("abort 1"));
  EXPECT_THAT(story.log, ElementsAre("log: relay of slot 0 gave no heartbeat for 10 s: aborted"));
  EXPECT_THAT(story.after(1s), ElementsAre("kill 1"));
  EXPECT_THAT(story.ends(1, dies_of(SIGKILL)), IsEmpty());
  EXPECT_THAT(story.log, Contains(HasSubstr("relay of slot 0 was killed by SIGKILL")));
  EXPECT_THAT(story.exits, ElementsAre("killed by SIGKILL"));
}

TEST(SupervisorReload, BlamesNoRelayForTheMastersSleep) {
  Story story(1);
  story.is_up();
  reloads_and_relays(story, 1);
  story.stalls(1);
  EXPECT_THAT(story.master_sleeps(60s), IsEmpty());
  EXPECT_THAT(story.after(9s), IsEmpty());
  story.wakes(1);
  EXPECT_THAT(story.after(60s), IsEmpty());
}

TEST(SupervisorReload, EndsTheOldestRelayWhenThereWouldBeNoRoomForMore) {
  Story story(SupervisorSettings{.count = 1, .max_processes = 6});
  story.is_up();
  for (const WorkerKey old : {1U, 2U, 3U}) {
    EXPECT_THAT(reloads_and_relays(story, old), ElementsAre(StartsWith("spawn"), StartsWith("reloaded")))
        << "three, beside worker, successor and another";
  }
  EXPECT_THAT(reloads_and_relays(story, 4),
              ElementsAre("spawn 5 slot 0 gen 5", "end relay 1 of slot 0", "reloaded to gen 5"));
  EXPECT_THAT(story.log, ElementsAre(AllOf(HasSubstr("relay of slot 0 is ended, being the oldest of more than 3"),
                                           HasSubstr("--relay-timeout"))));
  EXPECT_THAT(story.reloads(1), ElementsAre(AllOf(StartsWith("reload failed: 5 processes of this server are there"),
                                                  HasSubstr("no more than 6 can be"))));
  story.ends(1, kDone);
  EXPECT_THAT(story.reloads(1), ElementsAre("spawn 6 slot 0 gen 7"));
}

TEST(SupervisorReload, MakesAnEndedRelayGoLikeOneThatDrains) {
  Story story(SupervisorSettings{.count = 1, .max_processes = 4});
  story.is_up();
  reloads_and_relays(story, 1);
  EXPECT_THAT(reloads_and_relays(story, 2), Contains("end relay 1 of slot 0"));
  EXPECT_THAT(story.after(29s), IsEmpty());
  EXPECT_THAT(story.after(2s), ElementsAre("leave 1"));
  EXPECT_THAT(story.after(3s), ElementsAre("kill 1"));
}

TEST(SupervisorReload, CountsARelayThatDies) {
  Story story(1);
  story.is_up();
  reloads_and_relays(story, 1);
  EXPECT_THAT(story.ends(1, dies_of(SIGSEGV)), IsEmpty());
  EXPECT_THAT(story.exits, ElementsAre("killed by SIGSEGV"));
}

TEST(SupervisorReload, TakesAWorkerForNoRelayWhoseHandoffFailed) {
  Story story(2);
  story.is_up();
  story.reloads(2);
  story.replaces(3);
  story.is_ready(4);
  story.tell(Relays{2});
  story.tell(HandoffFailed{2, "no memory"});
  story.after(100ms);
  EXPECT_THAT(story.replaces(5), ElementsAre("hand over 2 to 5", "leave 2", "reloaded to gen 2"));
}

TEST(SupervisorStop, EndsRelaysToo) {
  for (const bool graceful : {false, true}) {
    Story story(1);
    story.is_up();
    story.reloads(1);
    story.is_ready(2);
    story.tell(Relays{1});
    story.takes_over(2);
    const std::string word = graceful ? "drain" : "leave";
    EXPECT_THAT(story.tell(StopRequested{graceful}), ElementsAre(StartsWith(word + " 1"), StartsWith(word + " 2")));
    story.ends(2, kDone);
    EXPECT_THAT(story.ends(1, kDone), ElementsAre("stopped"));
  }
}

TEST(SupervisorReload, AsksNoClientsOfAWorkerThatNeverServed) {
  Story story(1);
  story.is_up();
  story.ends(1, dies_of(SIGSEGV));
  EXPECT_THAT(story.reloads(1), ElementsAre("spawn 3 slot 0 gen 2"));
  EXPECT_THAT(story.is_ready(3), ElementsAre("begin to serve 3", "leave 2", "reloaded to gen 2"));
}

TEST(SupervisorReload, IsNotConfusedByALateAnswerForAnEarlierSuccessor) {
  Story story(2);
  story.is_up();
  story.reloads(2);
  story.replaces(3);
  story.is_ready(4);
  story.ends(4, dies_of(SIGSEGV));
  story.after(100ms);
  EXPECT_THAT(story.is_ready(5), ElementsAre("hand over 2 to 5"));
  EXPECT_THAT(story.tell(HandoffFailed{2, "4 is gone"}), IsEmpty());
  EXPECT_THAT(story.takes_over(5), ElementsAre("leave 2", "reloaded to gen 2"));
}

TEST(SupervisorReload, ReplacesASuccessorThatDiesDuringTheHandoff) {
  Story story(2);
  story.is_up();
  story.reloads(2);
  story.replaces(3);
  story.is_ready(4);
  EXPECT_THAT(story.ends(4, dies_of(SIGSEGV)), IsEmpty());
  EXPECT_THAT(story.tell(HandoffFailed{2, "it is gone"}), IsEmpty());
  EXPECT_THAT(story.after(100ms), ElementsAre("spawn 5 slot 1 gen 2"));
}

TEST(SupervisorReload, MakesTheOldWorkerGoInTheEnd) {
  Story story(1);
  story.is_up();
  story.reloads(1);
  story.replaces(2);
  EXPECT_THAT(story.after(3s), ElementsAre("kill 1"));
  EXPECT_THAT(story.ends(1, dies_of(SIGKILL)), IsEmpty());
}

TEST(SupervisorReload, IsRefusedWhenTheFirstNewWorkerCannotStart) {
  Story story(2);
  story.is_up();
  story.reloads(2);
  EXPECT_THAT(story.ends(3, exits_with(worker::ExitCode::cannot_start), "bad setting"),
              ElementsAre("reload failed: bad setting"));
  EXPECT_EQ(story.supervisor().generation(), 1U);
  EXPECT_THAT(story.ends(2, dies_of(SIGSEGV)), Contains("spawn 4 slot 1 gen 1"));
}

TEST(SupervisorReload, IsRefusedWhenTheFirstNewWorkerIsNotReadyInTime) {
  Story story(1);
  story.is_up();
  story.reloads(1);
  EXPECT_THAT(story.after(60s), ElementsAre("kill 2", "reload failed: worker of slot 0 was not ready within 60 s"));
  EXPECT_THAT(story.ends(2, dies_of(SIGKILL)), IsEmpty());
}

TEST(SupervisorReload, TakesANewNumberAfterOneThatFailed) {
  Story story(1);
  story.is_up();
  story.reloads(1);
  story.ends(2, exits_with(worker::ExitCode::cannot_start));
  EXPECT_THAT(story.reloads(1), ElementsAre("spawn 3 slot 0 gen 3"));
}

TEST(SupervisorReload, TriesALaterSlotAgainAndThenSaysWhoRunsWhat) {
  Story story(3);
  story.is_up();
  story.reloads(3);
  EXPECT_THAT(story.replaces(4), Contains("spawn 5 slot 1 gen 2"));
  WorkerKey successor = 5;
  for (const Duration delay : {100ms, 200ms, 400ms}) {
    EXPECT_THAT(story.ends(successor, dies_of(SIGSEGV)), IsEmpty());
    EXPECT_THAT(story.after(delay), ElementsAre(fmt::format("spawn {} slot 1 gen 2", ++successor)));
  }
  EXPECT_THAT(story.ends(successor, dies_of(SIGSEGV)),
              ElementsAre("reload failed: worker of slot 1 was killed by SIGSEGV while starting; "
                          "slot 0 runs generation 2, slots 1, 2 run generation 1"));
  EXPECT_THAT(story.ends(4, dies_of(SIGSEGV)), Contains("spawn 9 slot 0 gen 2"));
  EXPECT_THAT(story.ends(2, dies_of(SIGSEGV)), Contains("spawn 10 slot 1 gen 1"));
}

TEST(SupervisorReload, LetsTheSuccessorStandInWhenTheOldWorkerDies) {
  Story story(2);
  story.is_up();
  story.reloads(2);
  EXPECT_THAT(story.ends(1, dies_of(SIGSEGV)), ElementsAre("serve 2 slot 0"));
  EXPECT_THAT(story.log.back(), HasSubstr("; its successor takes its place"));
  EXPECT_THAT(story.who_is_there(), StartsWith("3 slot 0 gen 2 starting; 2 slot 1 gen 1 running"));
  EXPECT_THAT(story.is_ready(3), ElementsAre("begin to serve 3", "spawn 4 slot 1 gen 2", "release 2 slot 0"));
}

TEST(SupervisorReload, BringsTheOldCodeBackWhenOldWorkerAndSuccessorDie) {
  Story story(2);
  story.is_up();
  story.reloads(2);
  story.ends(1, dies_of(SIGSEGV));
  EXPECT_THAT(
      story.ends(3, dies_of(SIGSEGV)),
      ElementsAre("spawn 4 slot 0 gen 1", "reload failed: worker of slot 0 was killed by SIGSEGV while starting"));
}

TEST(SupervisorReload, RespawnsInTheNewGenerationOnceThatHasProvedItself) {
  Story story(3);
  story.is_up();
  story.reloads(3);
  EXPECT_THAT(story.ends(3, dies_of(SIGSEGV)), Contains("spawn 5 slot 2 gen 1"));
  story.is_ready(5);
  EXPECT_THAT(story.replaces(4), Contains("spawn 6 slot 1 gen 2"));
  EXPECT_THAT(story.ends(5, dies_of(SIGSEGV)), Contains("serve 4 slot 2"));
  EXPECT_THAT(story.after(100ms), ElementsAre("spawn 7 slot 2 gen 2"));
  EXPECT_THAT(story.replaces(6), ElementsAre("hand over 2 to 6", "leave 2"));
  EXPECT_THAT(story.is_ready(7), ElementsAre("reloaded to gen 2", "release 4 slot 2"));
}

TEST(SupervisorReload, HandsOnWhatTheOldWorkerServedForItsNeighbours) {
  Story story(3);
  story.is_up();
  story.ends(1, exits_with(worker::ExitCode::cannot_start));
  EXPECT_THAT(story.who_is_there(), "2 slot 1 gen 1 running; 3 slot 2 gen 1 running");
  EXPECT_THAT(story.reloads(3), ElementsAre("spawn 4 slot 0 gen 2"));
  story.is_ready(4);
  EXPECT_THAT(story.is_full(3), ElementsAre("serve 4 slot 2"));
  story.has_room(4);
  EXPECT_THAT(story.ends(4, dies_of(SIGKILL)), ElementsAre("spawn 6 slot 0 gen 2", "serve 2 slot 0", "serve 2 slot 2"));
  EXPECT_THAT(story.replaces(5), ElementsAre("hand over 2 to 5", "serve 5 slot 0", "serve 5 slot 2", "release 2 slot 0",
                                             "release 2 slot 2", "leave 2", "spawn 7 slot 2 gen 2"));
}

TEST(SupervisorReload, AnswersEachOfSeveralRequests) {
  Story story(1);
  story.is_up();
  story.reloads(1);
  EXPECT_THAT(story.reloads(1), IsEmpty());
  EXPECT_THAT(story.reloads(1), IsEmpty());
  EXPECT_THAT(story.replaces(2),
              ElementsAre("hand over 1 to 2", "leave 1", "reloaded to gen 2", "spawn 3 slot 0 gen 4"));
  EXPECT_THAT(story.replaces(3), ElementsAre("hand over 2 to 3", "leave 2", "reloaded to gen 4", "reloaded to gen 4"));
}

TEST(SupervisorReload, WaitsForTheStart) {
  Story story(1);
  story.starts();
  EXPECT_THAT(story.reloads(1), IsEmpty());
  EXPECT_THAT(story.is_ready(1), ElementsAre("started", "spawn 2 slot 0 gen 2"));
}

TEST(SupervisorReload, IsCancelledByAStop) {
  Story story(1);
  story.is_up();
  story.reloads(1);
  story.reloads(1);
  EXPECT_THAT(story.stops(), ElementsAre("reload failed: the server is stopping",
                                         "reload failed: the server is stopping", "leave 1", "leave 2"));
  EXPECT_THAT(story.reloads(1), ElementsAre("reload failed: the server is stopping"));
}

// ---- more and fewer slots

TEST(SupervisorCount, GrowsOneSlotAtATimeWithANeighbourAcceptingMeanwhile) {
  Story story(1);
  story.is_up();
  story.reloads(3);
  EXPECT_THAT(story.replaces(2),
              ElementsAre("hand over 1 to 2", "leave 1", "open 2 slots", "spawn 3 slot 1 gen 2", "serve 2 slot 1"));
  EXPECT_THAT(story.is_ready(3),
              ElementsAre("open 3 slots", "spawn 4 slot 2 gen 2", "serve 2 slot 2", "release 2 slot 1"));
  EXPECT_THAT(story.is_ready(4), ElementsAre("reloaded to gen 2", "release 2 slot 2"));
  EXPECT_EQ(story.supervisor().count(), 3U);
}

TEST(SupervisorCount, ShrinksAndLetsTheOldWorkersAcceptTheLastClients) {
  Story story(2);
  story.is_up();
  story.reloads(1);
  EXPECT_THAT(story.replaces(3), ElementsAre("hand over 1 to 3", "leave 1", "reloaded to gen 2", "retire slot 1",
                                             "drain 2 (slot retired)"));
  EXPECT_EQ(story.supervisor().count(), 1U);
}

TEST(SupervisorCount, RetiresASlotOnlyWhenItsHelperHasClosedItsCopy) {
  Story story(2);
  story.is_up();
  story.stalls(2);
  EXPECT_THAT(story.after(500ms), ElementsAre("serve 1 slot 1"));
  story.reloads(1);
  EXPECT_THAT(story.replaces(3),
              ElementsAre("hand over 1 to 3", "serve 3 slot 1", "release 1 slot 1", "leave 1", "reloaded to gen 2"));
  EXPECT_THAT(story.who_is_there(), HasSubstr("2 slot 1 gen 1 busy (not current)"));
  story.wakes(2);
  EXPECT_THAT(story.after(100ms), ElementsAre("release 3 slot 1"));
  EXPECT_THAT(story.has_closed(3, 1), IsEmpty()) << "the draining worker may still have its copy";
  EXPECT_THAT(story.has_closed(1, 1), ElementsAre("retire slot 1", "drain 2 (slot retired)"));
}

TEST(SupervisorCount, RetiresTheSlotOfADeadWorkerWhenItsHelperHasClosedItsCopy) {
  Story story(2);
  story.is_up();
  story.ends(2, exits_with(worker::ExitCode::cannot_start));
  story.reloads(1);
  EXPECT_THAT(story.after(100ms), ElementsAre("spawn 4 slot 1 gen 1"));
  EXPECT_THAT(story.replaces(3), AllOf(Contains("leave 4"), Contains("serve 3 slot 1")));
  EXPECT_THAT(story.ends(4, kDone), ElementsAre("release 3 slot 1"));
  EXPECT_THAT(story.has_closed(3, 1), IsEmpty());
  EXPECT_THAT(story.has_closed(1, 1), ElementsAre("retire slot 1"));
}

TEST(SupervisorCount, RetiresASlotOnlyWhenItsFormerWorkersHaveClosedTheirCopies) {
  Story story(2);
  story.is_up();
  story.reloads(2);
  story.replaces(3);
  story.replaces(4);
  story.reloads(1);
  EXPECT_THAT(story.replaces(5), ElementsAre("hand over 3 to 5", "leave 3", "reloaded to gen 3"));
  EXPECT_THAT(story.has_closed(2, 1), ElementsAre("retire slot 1", "drain 4 (slot retired)"));
}

TEST(SupervisorCount, TakesASlotBackThatHasNotRetiredYet) {
  Story story(2);
  story.is_up();
  story.stalls(2);
  story.after(500ms);
  story.reloads(1);
  story.replaces(3);
  story.wakes(2);
  EXPECT_THAT(story.reloads(2), ElementsAre("spawn 4 slot 0 gen 3"));
  EXPECT_THAT(story.replaces(4), Contains("open 2 slots"));
}

TEST(SupervisorCount, GivesUpAnAddedSlotWhoseWorkerCannotStart) {
  Story story(1);
  story.is_up();
  story.reloads(2);
  story.replaces(2);
  for (WorkerKey added = 3; added <= 5; ++added) {
    story.ends(added, dies_of(SIGSEGV));
    story.after(1s);
  }
  EXPECT_THAT(
      story.ends(6, dies_of(SIGSEGV)),
      ElementsAre("reload failed: worker of slot 1 was killed by SIGSEGV while starting; slot 0 runs generation 2",
                  "release 2 slot 1"));
  EXPECT_THAT(story.has_closed(2, 1), ElementsAre("retire slot 1"));
  EXPECT_EQ(story.supervisor().count(), 1U);
}

// ---- which ends are counted

TEST(SupervisorExits, AreCountedWhenNobodyHadAskedForThem) {
  Story story(1);
  story.is_up();
  story.ends(1, dies_of(SIGSEGV));
  story.is_ready(2);
  story.ends(2, kDone);
  EXPECT_THAT(story.exits, ElementsAre("killed by SIGSEGV", "exit 0"));
}

TEST(SupervisorExits, AreCountedWhenTheWatchdogHadTo) {
  Story story(1);
  story.is_up();
  story.stalls(1);
  story.after(11s);
  story.ends(1, dies_of(SIGKILL));
  EXPECT_THAT(story.exits, ElementsAre("killed by SIGKILL"));
}

TEST(SupervisorExits, AreCountedWhenADrainingWorkerCrashes) {
  Story story(2);
  story.is_up();
  story.stops_gracefully();
  EXPECT_THAT(story.ends(1, dies_of(SIGSEGV)), IsEmpty());
  EXPECT_THAT(story.exits, ElementsAre("killed by SIGSEGV"));
}

TEST(SupervisorExits, AreNotCountedWhenTheyWereOrdered) {
  Story story(2);
  story.is_up();
  story.stops();
  story.ends(1, kDone);
  story.after(3s);
  story.ends(2, dies_of(SIGKILL));
  EXPECT_THAT(story.exits, IsEmpty());
}

// ---- when the master has to look again

TEST(SupervisorDeadline, IsTheNextLookWhileAnybodyLives) {
  Story story(1);
  story.is_up();
  EXPECT_EQ(story.supervisor().next_deadline(), story.now() + 100ms);
}

TEST(SupervisorDeadline, IsTheRespawnWhileNobodyLives) {
  Story story(1);
  story.is_up();
  story.ends(1, exits_with(worker::ExitCode::cannot_start));
  EXPECT_EQ(story.supervisor().next_deadline(), story.now() + 100ms);
  story.after(50ms);
  EXPECT_EQ(story.supervisor().next_deadline(), story.now() + 50ms);
}

TEST(SupervisorDeadline, DoesNotExistBeforeTheStart) {
  Story story(1);
  EXPECT_EQ(story.supervisor().next_deadline(), std::nullopt);
}

}  // namespace
}  // namespace wsd::master
