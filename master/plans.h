// What each generation runs with, and which one the next reload builds on.
//
// Owned by the master. A generation's plan is kept while a worker runs it, or may be respawned with it.

#pragma once

#include <map>
#include <string>

#include "master/app_code.h"
#include "master/configuration.h"
#include "master/log_files.h"
#include "master/master_state.h"
#include "master/options.h"
#include "master/result.h"
#include "master/supervision.h"
#include "worker/privileges.h"
#include "worker/tls_material.h"

namespace wsd::master {

struct Plan {
  OptionLayers layers;  // what the next reload builds on
  Options options;      // what they came to, together with the configuration file
  AppCode code;
  std::string api_token;    // empty: none is asked for
  worker::TlsMaterial tls;  // without the ticket secret, which is the server's
  Settings settings;        // of the app
  worker::Privileges privileges;
  AccessLogFile access_log = {};
};

// What `layers` and the files behind them ask for, all but the code. Throws CommandError.
[[nodiscard]] Plan read_plan(const OptionLayers& layers);
// With the code, for a command's own process: blocks while a source is compiled, whose compiler writes to standard
// error. Throws CommandError.
[[nodiscard]] Plan make_plan(const OptionLayers& layers);

// What a master's state has of them. A release that knew neither file nor environment had flags alone.
Result<OptionLayers> layers_of(const MasterState::Plan& plan);

// Whoever listens for the PROXY protocol and trusts nobody would let in nobody. Throws CommandError(usage).
void refuse_unknown_proxies(const Options& options);

class Plans {
 public:
  explicit Plans(Plan first) { plans_.emplace(1, std::move(first)); }
  // Those of before this process replaced its own binary. Throws CommandError(failed).
  explicit Plans(const MasterState& state);
  void save(MasterState& state) const;

  // The newest that was asked for, from now on the wanted one.
  Generation add(Plan plan);
  // No reload is under way any more: the next one builds on this generation.
  void want(Generation generation) { wanted_ = generation; }
  void forget_older_than(Generation oldest);

  [[nodiscard]] const Plan& of(Generation generation) const { return plans_.at(generation); }
  // Of the newest generation that is good, or under way.
  [[nodiscard]] const Plan& wanted() const { return plans_.at(wanted_); }

 private:
  std::map<Generation, Plan> plans_;
  Generation last_ = 1;
  Generation wanted_ = 1;
};

}  // namespace wsd::master
