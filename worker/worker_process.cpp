#include "worker/worker_process.h"

#include <malloc.h>
#include <signal.h>
#include <sys/prctl.h>

#include <cstdio>
#include <exception>
#include <optional>
#include <utility>

#include "protocol/accept_key.h"
#include "worker/log.h"
#include "worker/memory_shortage.h"
#include "worker/module_loader.h"
#include "worker/process_title.h"
#include "worker/relay.h"
#include "worker/server.h"
#include "worker/tls_certificate.h"

namespace wsd::worker {

namespace {

// Ctrl-C, a hang-up, and TERM from a service manager reach the whole process group; a worker obeys the master's stream
// alone, so that its clients get their Close.
void ignore_signals_of_the_group() {
  for (const int signal_number : {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2, SIGPIPE}) {
    ::signal(signal_number, SIG_IGN);
  }
}

// OpenSSL makes its tables at the first use of an algorithm, and dies of it where it gets no memory for them then.
void warm_up_crypto() {
  (void)protocol::accept_key("");
}

// Memory that was taken for a large message is kept for the next one: a page that comes back from the kernel is filled
// with zeros first, which takes as long as to receive into it.
void keep_freed_memory() {
  constexpr int kept = 16 * 1024 * 1024;
  ::mallopt(M_MMAP_THRESHOLD, kept);
  ::mallopt(M_TRIM_THRESHOLD, kept);
}

const AppModule& module_of(Heritage& heritage) {
  if (heritage.app != nullptr) return *heritage.app;
  const AppModule& module = load_module(heritage.module.get(), heritage.app_name);
  heritage.module.reset();
  return module;
}

// What is left to relay when it is over, if anything.
std::optional<RelayCargo> serve(Heritage& heritage) {
  // An application of its own says for itself what GET / answers.
  const bool has_page = heritage.page && heritage.app != nullptr;
  AppHost app(module_of(heritage), heritage.settings, has_page ? FrontPage::shown : FrontPage::none);
  Server server(heritage, app);
  server.run();
  return server.take_relay_cargo();
}

void relay(Heritage& heritage, RelayCargo cargo) {
  set_process_title(fmt::format("wsd: relay process  {}/{}", heritage.name, heritage.slot));
  log::set_role("relay", heritage.slot);
  Relay(heritage, std::move(cargo)).run();
}

}  // namespace

ExitCode run_worker(Heritage heritage) {
  leave_when_out_of_memory();
  warm_up_crypto();
  keep_freed_memory();
  ignore_signals_of_the_group();
  set_process_title(fmt::format("wsd: worker process  {}/{}", heritage.name, heritage.slot));
  log::set_role("worker", heritage.slot);
  // What an app prints is a line at a time, also when standard output is a file.
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  try {
    give_up_privileges(heritage.privileges);
    if (auto cargo = serve(heritage)) relay(heritage, std::move(*cargo));
    return ExitCode::done;
  } catch (const TlsError& error) {
    log::error("cannot start: {}", error.what());
    MasterLink::report_cannot_start(heritage.master, error.what());
    return ExitCode::cannot_start;
  } catch (const std::exception& error) {
    log::error("the app could not start: {}", error.what());
    MasterLink::report_cannot_start(heritage.master, error.what());
    return ExitCode::cannot_start;
  } catch (...) {
    log::error("the app could not start: it threw something that is not a std::exception");
    MasterLink::report_cannot_start(heritage.master, "the app threw something that is not a std::exception");
    return ExitCode::cannot_start;
  }
}

}  // namespace wsd::worker
