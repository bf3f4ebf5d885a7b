#include "master/plans.h"

#include <fmt/format.h>

#include <utility>

#include "master/api_token.h"
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

Plan make_plan(const Options& options) {
  refuse_unknown_proxies(options);
  std::string token = read_api_token(options);
  auto tls = read_tls_files(options);
  auto privileges = privileges_of(options);
  AppCode code = make_app_code(*options.app, privileges);
  return {options, std::move(code), std::move(token), std::move(tls), std::move(privileges), {}};
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
    plans_.emplace(plan.generation, Plan{std::move(*options), std::move(code), plan.api_token, plan.tls,
                                         std::move(privileges), access_log});
  }
}

void Plans::save(MasterState& state) const {
  state.last_generation = last_;
  state.wanted_generation = wanted_;
  for (const auto& [generation, plan] : plans_) {
    state.plans.push_back({generation, to_json(plan.options), plan.code.module ? plan.code.module->get() : -1,
                           plan.api_token, plan.tls, plan.access_log ? plan.access_log->get() : -1});
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
