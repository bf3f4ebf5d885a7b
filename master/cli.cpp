#include "master/cli.h"

#include <fmt/format.h>
#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <optional>
#include <span>

#include "master/connection_table.h"
#include "master/connections_reader.h"
#include "master/exit_status.h"
#include "master/status_page.h"
#include "master/terminal_screen.h"
#include "protocol/printable_text.h"
#include "protocol/utf8.h"

namespace wsd::master {

namespace {

using std::chrono::steady_clock;

constexpr std::chrono::seconds answer_timeout{5};
constexpr std::size_t max_channel = 255;  // bytes, as Connection::subscribe() has it
// For a master that must be signalled, since it does not say how long its clients have.
constexpr std::chrono::seconds silent_stop_timeout{30};
constexpr std::chrono::minutes silent_graceful_stop_timeout{10};
// For a master that has said its last word.
constexpr std::chrono::seconds exit_timeout{10};

std::string name_option(const std::string& name) {
  return name == "wsd" ? "" : " --name " + name;
}

MasterContact find_master(const Options& flags) {
  const Options options = with_instance(flags);
  auto master = MasterContact::find(options);
  if (master) return std::move(*master);
  throw CommandError(CommandStatus::not_running, fmt::format("{} is not running; `wsd start{}` starts it",
                                                             *options.name, name_option(*options.name)));
}

[[noreturn]] void fail(const std::string& line) {
  throw CommandError(CommandStatus::failed, line);
}

[[noreturn]] void fail_for_silence(const MasterContact& master) {
  fail(fmt::format("{} does not answer; see its log, or stop it with `wsd stop{}`", master.description(),
                   name_option(master.name())));
}

void print(const std::string& line) {
  std::fputs((protocol::printable(line) + '\n').c_str(), stdout);
  std::fflush(stdout);
}

// Reads to the last answer and gives each to `take`. False if the master went away before it.
template <typename Take>
bool read_answers(MasterContact& master, Take&& take,
                  MasterContact::TimePoint deadline = MasterContact::TimePoint::max()) {
  while (const auto answer = master.next_answer(deadline)) {
    take(*answer);
    if (!answer->done) continue;
    if (answer->exit != CommandStatus::done) throw CommandError(answer->exit, answer->error);
    return true;
  }
  return false;
}

// Asks for something that is answered at once.
ControlAnswer ask_for(MasterContact& master, ControlCommand command) {
  ControlAnswer result;
  ControlRequest request;
  request.command = command;
  if (!master.ask(request)) fail_for_silence(master);
  const auto take = [&result](const ControlAnswer& answer) {
    if (!answer.status.empty() || !answer.options.empty()) result = answer;
  };
  if (!read_answers(master, take, steady_clock::now() + answer_timeout)) fail_for_silence(master);
  return result;
}

// A release that knew neither file nor environment tells options alone.
Result<OptionLayers> layers_from(const ControlAnswer& answer) {
  auto environment = options_from_json(answer.environment.empty() ? "{}" : answer.environment);
  if (!environment) return Error{environment.error()};
  auto flags = options_from_json(answer.flags.empty() ? answer.options : answer.flags);
  if (!flags) return Error{flags.error()};
  return OptionLayers{.environment = std::move(*environment), .flags = std::move(*flags)};
}

void stop_by_signal(const MasterContact& master, bool graceful) {
  master.signal(graceful ? SIGQUIT : SIGTERM);
  const auto timeout = graceful ? silent_graceful_stop_timeout : silent_stop_timeout;
  if (master.wait_until_gone(steady_clock::now() + timeout)) return;
  fail(fmt::format("{} neither answers nor ends; `kill -9 {}` ends it, and its workers leave by themselves",
                   master.description(), master.pid()));
}

void stop_master(MasterContact& master, bool graceful) {
  ControlRequest request;
  request.command = ControlCommand::stop;
  request.graceful = graceful;
  if (!master.ask(request)) return stop_by_signal(master, graceful);
  // A master that goes away without a last answer is gone as well, which is what was asked for.
  const auto tell = [](const ControlAnswer& answer) {
    if (!answer.info.empty()) print(answer.info);
  };
  static_cast<void>(read_answers(master, tell));
  if (master.wait_until_gone(steady_clock::now() + exit_timeout)) return;
  fail(fmt::format("{} has stopped its workers and does not end; `kill -9 {}` ends it", master.description(),
                   master.pid()));
}

// They have found the server, and are nothing that it should remember.
Options without_instance(const Options& options) {
  Options rest = options;
  rest.name = Options().name;
  rest.run_dir = Options().run_dir;
  return rest;
}

// Both end with new workers, and tell of them.
void replace_workers(const CommandLine& line, ControlCommand command) {
  MasterContact master = find_master(line.options);
  ControlRequest request;
  request.command = command;
  request.options = without_instance(line.options);
  if (!master.ask(request)) fail_for_silence(master);
  const bool watched = ::isatty(STDOUT_FILENO) == 1 && !line.json;
  const bool whole = read_answers(master, [&](const ControlAnswer& answer) {
    if (watched && !answer.progress.empty()) print(answer.progress);
    if (line.json && !answer.reload.empty()) print(answer.reload);
    if (!line.json && !answer.info.empty()) print(answer.info);
  });
  if (!whole) fail(fmt::format("{} ended meanwhile; see its log", master.description()));
}

[[noreturn]] void refuse(const std::string& line) {
  throw CommandError(CommandStatus::usage, line);
}

// More than a request has room for is too much anyway.
std::string read_standard_input() {
  std::string text(max_control_line + 1, '\0');
  std::size_t size = 0;
  while (size < text.size()) {
    const ssize_t count = ::read(STDIN_FILENO, text.data() + size, text.size() - size);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) fail(fmt::format("cannot read standard input: {}", std::strerror(errno)));
    if (count == 0) break;
    size += static_cast<std::size_t>(count);
  }
  text.resize(size);
  return text;
}

bool is_valid_utf8(std::string_view text) {
  return protocol::is_valid_utf8(std::as_bytes(std::span(text)));
}

// What can be said of it without a server.
void check(const ControlRequest& request) {
  const Publication& publication = request.publication;
  if (publication.channel.empty() || publication.channel.size() > max_channel || !is_valid_utf8(publication.channel)) {
    refuse(fmt::format("'{}' is no channel: its name is UTF-8 of 1 to {} bytes",
                       protocol::printable(publication.channel), max_channel));
  }
  if (!publication.binary && !is_valid_utf8(publication.data)) {
    refuse("the data is not UTF-8, which a text message must be; --binary publishes it as it is");
  }
  if (to_json(request).size() > max_control_line) {
    refuse(
        "the message is too large for this command, which carries some 30 to 60 KiB; publish it over the HTTP API "
        "(POST /v1/publish, `wsd start --api`)");
  }
}

}  // namespace

void stop_command(const CommandLine& line) {
  MasterContact master = find_master(line.options);
  stop_master(master, line.graceful);
  print(fmt::format("{} stopped", master.description()));
}

void reload_command(const CommandLine& line) {
  replace_workers(line, ControlCommand::reload);
}

void upgrade_command(const CommandLine& line) {
  replace_workers(line, ControlCommand::upgrade);
}

namespace {

// JSON text. The server may be another one than last time: a restart is no reason to look away.
std::string fetch_status_json(const CommandLine& line) {
  MasterContact master = find_master(line.options);
  return ask_for(master, ControlCommand::status).status;
}

Status read_status(const std::string& json) {
  auto status = status_from_json(json);
  if (!status) fail(status.error());
  return std::move(*status);
}

void watch_status(const CommandLine& line) {
  std::string json = fetch_status_json(line);  // before the screen is taken: there may be nothing to see
  TerminalScreen screen;
  std::optional<Status> before;
  while (true) {
    const Status now = read_status(json);
    const bool is_same_server = before && before->pid == now.pid && before->uptime_s <= now.uptime_s;
    std::string text = line.json ? json + '\n' : to_tables(now, terminal_columns());
    if (!line.json && is_same_server) text += rates_table(*before, now);
    if (!screen.draw(text)) return;
    before = now;
    if (screen.wait(*line.watch) == TerminalScreen::Event::quit) return;
    json = fetch_status_json(line);
  }
}

}  // namespace

void status_command(const CommandLine& line) {
  if (line.watch) return watch_status(line);
  const std::string json = fetch_status_json(line);
  std::fputs((line.json ? json + '\n' : to_tables(read_status(json), terminal_columns())).c_str(), stdout);
}

void connections_command(const CommandLine& line) {
  MasterContact master = find_master(line.options);
  ControlRequest request;
  request.command = ControlCommand::connections;
  request.filter = line.filter;
  if (!master.ask(request)) fail_for_silence(master);
  ConnectionsReader reader;
  const auto take = [&](const ControlAnswer& answer) {
    if (!answer.connections.empty()) reader.take(answer.connections, master.take_descriptor());
  };
  if (!read_answers(master, take, steady_clock::now() + answer_timeout)) fail_for_silence(master);
  sort_connections(reader.rows, line.sort);
  const std::string text =
      line.json
          ? connections_json(reader.rows, line.limit, reader.missing) + '\n'
          : connections_table(reader.rows, {.limit = line.limit, .sorted_by = line.sort, .columns = terminal_columns()},
                              reader.missing);
  std::fputs(text.c_str(), stdout);
}

void reopen_command(const CommandLine& line) {
  MasterContact master = find_master(line.options);
  ControlRequest request;
  request.command = ControlCommand::reopen;
  if (!master.ask(request)) fail_for_silence(master);
  const auto tell = [](const ControlAnswer& answer) {
    if (!answer.info.empty()) print(answer.info);
  };
  if (!read_answers(master, tell, steady_clock::now() + answer_timeout)) fail_for_silence(master);
}

void publish_command(const CommandLine& line) {
  ControlRequest request;
  request.command = ControlCommand::publish;
  request.publication = {line.channel, line.data == "-" ? read_standard_input() : line.data, line.binary};
  check(request);
  MasterContact master = find_master(line.options);
  if (!master.ask(request)) fail_for_silence(master);
  const auto tell = [&line](const ControlAnswer& answer) {
    if (line.json && !answer.published.empty()) print(answer.published);
    if (!line.json && !answer.info.empty()) print(answer.info);
  };
  if (!read_answers(master, tell, steady_clock::now() + answer_timeout)) fail_for_silence(master);
}

void stop_for_restart(const CommandLine& line, const std::function<void(const OptionLayers&)>& prepare) {
  const OptionLayers given = layers_of(line.options, print_warning);
  auto master = MasterContact::find(with_instance(line.options));
  if (!master) return prepare(given);
  OptionLayers layers = layers_of_server(*master);
  layers.environment.merge(given.environment);
  layers.flags.merge(given.flags);
  prepare(layers);
  stop_master(*master, line.graceful);
}

OptionLayers layers_of_server(MasterContact& master) {
  auto layers = layers_from(ask_for(master, ControlCommand::options));
  if (!layers) fail(fmt::format("{} does not say what it was started with: {}", master.description(), layers.error()));
  return std::move(*layers);
}

void print_warning(const std::string& line) {
  print_error("warning: " + line);
}

void print_error(const std::string& line) {
  std::fputs(("wsd: " + protocol::printable(line) + '\n').c_str(), stderr);
}

}  // namespace wsd::master
