// The vocabulary of supervision: what the master tells its supervisor, and what it is told to do about it.
//
// Words (docs/architecture.md): a *slot* is a place for one worker and owns its listening sockets; a *worker* is one
// process, named here by a key that is never reused; a *generation* is one reading of configuration and app.

#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <variant>
#include <vector>

namespace wsd::master {

using Slot = std::uint16_t;
using WorkerKey = std::uint32_t;   // the incarnation: raised with every spawn, never reused while the server lives
using Generation = std::uint32_t;  // 1 at the start; every ReloadRequested takes the next number, also one that fails
using Clock = std::chrono::steady_clock;
using TimePoint = Clock::time_point;
using Duration = Clock::duration;

// How a process ended, as waitpid() told it.
struct ExitStatus {
  int code = 0;    // exit status, meaningful when signal is 0
  int signal = 0;  // the signal that ended it, or 0
};

// In the words of `wsd status`: "killed by SIGKILL", "exit 250".
std::string to_string(ExitStatus status);

// What a worker kept as the home of channels with history, when it ended.
struct HeldHistory {
  std::uint64_t messages = 0;
  std::uint64_t channels = 0;

  bool operator==(const HeldHistory&) const = default;
};

// clang-format off

// ---- Events: what happened ------------------------------------------------------------------------------------------

struct Started {};                                     // the master can bind its sockets: spawn every slot
struct SpawnFailed { WorkerKey key; int error; };      // fork() failed with this errno (or opening its sockets did)
struct Ready { WorkerKey key; };                       // the worker serves
struct Exited { WorkerKey key; ExitStatus status; std::string last_words;  // reaped; last_words: why it could not start, or ""
                HeldHistory history = {}; };
struct Released { WorkerKey key; Slot slot; };         // the worker closed its copies of this slot's sockets: told after every
                                                       // closing, the one that Release asks for and those of a Drain
struct TookOver { WorkerKey key; std::uint64_t connections; Duration pause; };  // a successor has its predecessor's clients
                                                       // (none, if that one died first), and serves; pause: nobody did
struct HandoffFailed { WorkerKey key; std::string reason; };  // told by the predecessor, which goes on as if nothing happened
struct Relays { WorkerKey key; };                      // told by the predecessor before TookOver: it stays for its TLS clients
struct Full { WorkerKey key; };                        // at its descriptor or connection ceiling, it stopped accepting
struct HasRoom { WorkerKey key; };                     // it is below again, and accepts on all that it holds
struct Heartbeat { WorkerKey key; TimePoint stamp; };  // the newest stamp on its scoreboard row
struct Tick {};                                        // time went on; at least every next_deadline()
struct StopRequested { bool graceful; };
struct StopNowRequested {};                            // a second Ctrl-C
struct ReloadRequested { unsigned count; };            // a new generation is read and good; count may have changed

using Event = std::variant<Started, SpawnFailed, Ready, Exited, Released, TookOver, HandoffFailed, Relays, Full, HasRoom, Heartbeat, Tick, StopRequested,
                           StopNowRequested, ReloadRequested>;

// ---- Actions: what to do, in this order -----------------------------------------------------------------------------

enum class DrainReason : std::uint8_t { slot_retired, graceful_stop };

struct Spawn { WorkerKey key; Slot slot; Generation generation; bool successor; };  // fork a worker that serves its own slot's
                                                       // sockets; a successor waits with that for HandOver or BeginToServe
struct HandOver { WorkerKey from; WorkerKey to; };     // connect the two: all clients move from the one to the other
struct BeginToServe { WorkerKey key; };                // a successor whose predecessor is gone
struct Serve { WorkerKey key; Slot slot; };            // give it this slot's sockets too
struct Release { WorkerKey key; Slot slot; };          // take them away: it accepts what is queued, closes, tells Released
struct Refuse { WorkerKey key; };                      // nobody has room: accept though full, answer 503; ends at HasRoom too
struct StopRefusing { WorkerKey key; };                // somebody has room again and serves its sockets: leave them alone
struct EndRelay { WorkerKey key; Slot slot; };         // the slot's worker tells this relay's clients to reconnect, spread over the
                                                       // drain window; the relay goes with the last
struct Drain { WorkerKey key; DrainReason reason; };   // accept what is queued, close all sockets, then Close to the clients,
                                                       // spread over the drain window, then leave
struct Leave { WorkerKey key; };                       // Close 1001 to all, flush, leave within the stop timeout
struct Abort { WorkerKey key; };                       // SIGABRT: stuck, wants a core file
struct Kill { WorkerKey key; };                        // SIGKILL
struct OpenSlots { unsigned count; };                  // slots [0, count) need listening sockets before the spawns that follow
struct RetireSlot { Slot slot; };                      // close the master's copies. Nobody has others, but for the slot's own
                                                       // worker if its Drain{slot_retired} follows: it accepts the rest
struct CountExit { ExitStatus status;                  // a worker ended that nobody had told to, or not like that: for `exits`
                   HeldHistory lost = {}; };              // and what went with it
struct ReportStarted {};                               // every worker serves for the first time
struct ReportStartFailed { std::string reason; };      // the start is off; ReportStopped follows when all are gone
struct ReportReloaded { Generation generation; };      // every slot has its new worker
struct ReportReloadFailed { std::string reason; };     // the old generation goes on, in all slots or those that reason names
struct ReportStopped { bool survivors; };              // the last action of a life; survivors: KILL did not end somebody
enum class LogLevel : std::uint8_t { info, warning, error };
struct Log { LogLevel level; std::string text; };

using Action = std::variant<Spawn, HandOver, BeginToServe, Serve, Release, Refuse, StopRefusing, EndRelay, Drain, Leave, Abort, Kill, OpenSlots, RetireSlot,
                            CountExit, ReportStarted, ReportStartFailed, ReportReloaded, ReportReloadFailed, ReportStopped, Log>;

// clang-format on

struct SupervisorSettings {
  unsigned count = 4;
  Duration start_timeout = std::chrono::seconds(60);  // from Spawn to Ready
  Duration stop_timeout = std::chrono::seconds(2);
  Duration drain_timeout = std::chrono::seconds(30);
  Duration kill_grace = std::chrono::seconds(1);              // between "should have left by itself" and KILL
  Duration reap_grace = std::chrono::seconds(2);              // between KILL and "it survived that"
  Duration look_interval = std::chrono::milliseconds(100);    // how often the master looks at the heartbeats
  Duration accept_takeover = std::chrono::milliseconds(500);  // a heartbeat this late: a neighbour accepts too
  Duration watchdog = std::chrono::seconds(10);               // this late: Abort, then Kill after kill_grace
  Duration master_late = std::chrono::seconds(1);  // a Tick this late: the master slept, and time stood still meanwhile
  std::size_t max_processes = 1024;                // at a time: there is a row of the scoreboard for each
  Duration first_backoff = std::chrono::milliseconds(100);
  Duration last_backoff = std::chrono::seconds(10);
  Duration stable_after = std::chrono::seconds(30);
};

enum class WorkerState : std::uint8_t {
  starting,  // forked, not ready yet
  running,   // serves
  busy,      // serves as far as we know, but its heartbeat is late
  relaying,  // handed over all but the TLS of clients, and stays for those
  stopping,  // on its way out: told to leave or drain, or dying
};

// A worker that this master had before it replaced its own binary.
struct ResumedWorker {
  WorkerKey key = 0;
  Slot slot = 0;
  Generation generation = 0;
  bool current = false;  // else it relays or drains
  bool relaying = false;
  std::vector<Slot> serves;  // whose sockets it was given
};

// One call of Supervisor::handle(): when it is, and what was decided in it so far.
struct Turn {
  TimePoint now;
  std::vector<Action> actions;

  void act(Action action) { actions.push_back(std::move(action)); }
  void log(LogLevel level, std::string text) { act(Log{level, std::move(text)}); }
};

}  // namespace wsd::master
