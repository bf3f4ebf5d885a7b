#include "master/check.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "master/api_token.h"
#include "master/app_settings.h"
#include "master/app_trial.h"
#include "master/cli.h"
#include "master/config_page.h"
#include "master/configuration.h"
#include "master/environment.h"
#include "master/listening_sockets.h"
#include "master/master_contact.h"
#include "master/plans.h"
#include "master/run_as.h"
#include "master/run_directory.h"
#include "master/status_page.h"
#include "master/tls_files.h"
#include "protocol/json_writer.h"
#include "protocol/printable_text.h"

namespace wsd::master {

namespace {

class Check {
 public:
  explicit Check(const Options& flags) {
    Environment environment = read_environment(::environ, std::filesystem::current_path().string());
    warnings_ = std::move(environment.warnings);
    for (const ConfigProblem& problem : environment.problems) note(CommandStatus::usage, problem.to_string());
    configuration_ = read_configuration({.environment = std::move(environment.options), .flags = flags});
    attempt([this, &flags] { find_running(flags); });
    for (const ConfigProblem& problem : configuration_.file.problems) note(CommandStatus::usage, problem.to_string());
    plan_.options = configuration_.options;
  }

  void run() {
    attempt([this] { refuse_unknown_proxies(options()); });
    attempt([this] { plan_.api_token = read_api_token(options()); });
    attempt([this] { plan_.tls = read_tls_files(options()); });
    attempt([this] { plan_.settings = read_app_settings(options()); });
    attempt([this] { plan_.privileges = privileges_of(options()); });
    attempt([this] { try_log_file(); });
    for (const ListenUrl& url : addresses_of(options())) {
      attempt([this, &url] {
        if (!is_ours_already(url)) try_to_listen(url);
      });
    }
    refuse_shared_places();
    for (const std::string& problem : try_app(plan_)) note(CommandStatus::failed, problem);
  }

  void print() const {
    std::fputs(to_toml(configuration_).c_str(), stdout);
    std::fflush(stdout);
    for (const std::string& warning : warnings_) print_warning(warning);
    for (const std::string& problem : problems_) print_error(problem);
    const char* const verdict = running_.empty() ? "all is well: `wsd start` would start this"
                                                 : "all is well: `wsd reload` would put this in place";
    if (problems_.empty()) std::fprintf(stderr, "wsd: %s\n", verdict);
  }

  void print_json() const {
    protocol::JsonWriter json;
    json.begin_object();
    json.field("good", problems_.empty());
    write(json, "problems", problems_);
    write(json, "warnings", warnings_);
    write_configuration(json, configuration_);
    json.end_object();
    std::puts(json.take().c_str());
  }

  [[nodiscard]] CommandStatus status() const { return status_; }

 private:
  [[nodiscard]] const Options& options() const { return configuration_.options; }

  void note(CommandStatus status, const std::string& problem) {
    problems_.push_back(problem);
    const bool is_worse = status_ == CommandStatus::done || status == CommandStatus::usage;
    if (is_worse) status_ = status;
  }

  template <typename Attempt>
  void attempt(Attempt&& what) {
    try {
      what();
    } catch (const CommandError& error) {
      note(error.status(), error.what());
    }
  }

  // Without making it.
  void try_log_file() {
    if (!options().log_file.given()) return;
    const std::string& path = *options().log_file;
    const bool is_there = ::access(path.c_str(), F_OK) == 0;
    const std::string place = is_there ? path : std::filesystem::path(path).parent_path().string();
    if (::access(place.c_str(), W_OK) == 0) return;
    note(CommandStatus::failed,
         fmt::format("the log {} could not be written: {}; use another log_file", path, std::strerror(errno)));
  }

  // The addresses of the server of this name are in use, by itself. What it was started with stays in force at a
  // reload.
  void find_running(const Options& flags) {
    auto master = MasterContact::find(options());
    if (!master || !master->ask({.command = ControlCommand::status, .graceful = false, .options = {}})) return;
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(5);
    const auto answer = master->next_answer(deadline);
    if (!answer) return;
    auto status = status_from_json(answer->status);
    if (!status || !master->next_answer(deadline)) return;  // the second says that this was all
    running_ = std::move(status->listen);
    running_.insert(running_.end(), status->api.begin(), status->api.end());
    OptionLayers layers = layers_of_server(*master);
    layers.flags.merge(flags);
    configuration_ = read_configuration(layers);
  }

  [[nodiscard]] bool is_ours_already(const ListenUrl& url) const {
    return std::ranges::any_of(running_, [&url](const std::string& text) {
      for (const SocketKind kind : {SocketKind::websocket, SocketKind::api}) {
        auto known = parse_listen_url(text, kind);
        if (known && known->is_same_place(url)) return true;
      }
      return false;
    });
  }

  void refuse_shared_places() {
    const std::vector<ListenUrl> urls = addresses_of(options());
    for (auto url = urls.begin(); url != urls.end(); ++url) {
      const auto other =
          std::find_if(urls.begin(), url, [&](const ListenUrl& before) { return before.is_same_place(*url); });
      if (other == url) continue;
      note(CommandStatus::usage, fmt::format("cannot listen on {} and {}: each needs a place of its own",
                                             to_string(*other), to_string(*url)));
    }
  }

  static void write(protocol::JsonWriter& json, std::string_view name, const std::vector<std::string>& lines) {
    json.key(name);
    json.begin_array();
    for (const std::string& line : lines) json.value(protocol::printable(line));
    json.end_array();
  }

  Configuration configuration_;
  Plan plan_;
  std::vector<std::string> running_;  // what the server of this name listens on
  std::vector<std::string> problems_;
  std::vector<std::string> warnings_;
  CommandStatus status_ = CommandStatus::done;
};

}  // namespace

CommandStatus check_command(const CommandLine& line) {
  Check check(line.options);
  check.run();
  line.json ? check.print_json() : check.print();
  return check.status();
}

}  // namespace wsd::master
