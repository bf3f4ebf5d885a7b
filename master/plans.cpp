#include "master/plans.h"

#include <fmt/format.h>

#include <utility>

#include "master/api_token.h"
#include "master/app_settings.h"
#include "master/exit_status.h"
#include "master/run_as.h"
#include "master/tls_files.h"
#include "worker/file_descriptor.h"

namespace wsd::master {

void refuse_unknown_proxies(const Options& options) {
  for (const ListenUrl& url : addresses_of(options)) {
    if (!url.proxied || url.is_unix() || options.trusted_proxy.given()) continue;
    throw CommandError(CommandStatus::usage,
                       fmt::format("{}: which proxies may speak for others there? Give --trusted-proxy CIDR, as in "
                                   "--trusted-proxy 127.0.0.1",
                                   to_string(url)));
  }
}

Plan read_plan(const OptionLayers& layers) {
  Plan plan;
  plan.layers = layers;
  plan.options = options_of(layers);
  refuse_unknown_proxies(plan.options);
  plan.api_token = read_api_token(plan.options);
  plan.tls = read_tls_files(plan.options);
  plan.settings = read_app_settings(plan.options);
  plan.privileges = privileges_of(plan.options);
  return plan;
}

Plan make_plan(const OptionLayers& layers) {
  Plan plan = read_plan(layers);
  plan.code = make_app_code(*plan.options.app, plan.privileges);
  return plan;
}

Result<OptionLayers> layers_of(const MasterState::Plan& plan) {
  auto environment = options_from_json(plan.environment.empty() ? "{}" : plan.environment);
  if (!environment) return Error{environment.error()};
  auto flags = options_from_json(plan.flags.empty() ? plan.options : plan.flags);
  if (!flags) return Error{flags.error()};
  return OptionLayers{.environment = std::move(*environment), .flags = std::move(*flags)};
}

Plans::Plans(const MasterState& state) : last_(state.last_generation), wanted_(state.wanted_generation) {
  std::map<int, AccessLogFile> access_logs;
  for (const MasterState::Plan& plan : state.plans) {
    auto options = options_from_json(plan.options);
    if (!options) throw CommandError(CommandStatus::failed, options.error());
    AppCode code =
        plan.module == -1 ? load_app_code(*options->app) : seal_app_code(worker::FileDescriptor(plan.module));
    auto privileges = privileges_of(*options);
    AccessLogFile& access_log = access_logs[plan.access_log];
    if (access_log == nullptr && plan.access_log != -1) {
      access_log = std::make_shared<const worker::FileDescriptor>(plan.access_log);
    }
    auto layers = layers_of(plan);
    if (!layers) throw CommandError(CommandStatus::failed, layers.error());
    const bool is_of_an_older_release = plan.flags.empty();  // which had no settings in files
    const Settings settings = is_of_an_older_release ? *options->set : plan.settings;
    plans_.emplace(plan.generation, Plan{.layers = std::move(*layers),
                                         .options = std::move(*options),
                                         .code = std::move(code),
                                         .api_token = plan.api_token,
                                         .tls = plan.tls,
                                         .settings = settings,
                                         .privileges = std::move(privileges),
                                         .access_log = access_log});
  }
}

void Plans::save(MasterState& state) const {
  state.last_generation = last_;
  state.wanted_generation = wanted_;
  for (const auto& [generation, plan] : plans_) {
    state.plans.push_back({.generation = generation,
                           .options = to_json(plan.options),
                           .module = plan.code.module ? plan.code.module->get() : -1,
                           .api_token = plan.api_token,
                           .tls = plan.tls,
                           .access_log = plan.access_log ? plan.access_log->get() : -1,
                           .environment = to_json(plan.layers.environment),
                           .flags = to_json(plan.layers.flags),
                           .settings = plan.settings});
  }
}

Generation Plans::add(Plan plan) {
  wanted_ = ++last_;
  plans_.emplace(wanted_, std::move(plan));
  return wanted_;
}

void Plans::forget_older_than(Generation oldest) {
  std::erase_if(plans_, [oldest](const auto& entry) { return entry.first < oldest; });
}

}  // namespace wsd::master
