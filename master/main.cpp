// wsd: parses the command line and does what it says.

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <span>
#include <utility>
#include <variant>

#include "master/check.h"
#include "master/cli.h"
#include "master/command_line.h"
#include "master/exit_status.h"
#include "master/option_pages.h"
#include "master/start.h"
#include "master/upgrade.h"
#include "worker/process_title.h"

namespace {

using namespace wsd;
using master::Command;
using master::CommandLine;
using master::CommandStatus;

CommandStatus run(const CommandLine& line) {
  switch (line.command) {
    case Command::start: {
      // First of all: a compiler would inherit them.
      auto inherited = master::take_inherited_sockets();
      return master::start_command(master::make_plan(master::layers_of(line.options, master::print_warning)),
                                   std::move(inherited));
    }
    case Command::restart: {
      auto inherited = master::take_inherited_sockets();
      master::Plan plan;
      master::stop_for_restart(line, [&plan](const master::OptionLayers& wanted) { plan = master::make_plan(wanted); });
      return master::start_command(plan, std::move(inherited));
    }
    case Command::stop:
      master::stop_command(line);
      return CommandStatus::done;
    case Command::reload:
      master::reload_command(line);
      return CommandStatus::done;
    case Command::upgrade:
      master::upgrade_command(line);
      return CommandStatus::done;
    case Command::reopen:
      master::reopen_command(line);
      return CommandStatus::done;
    case Command::status:
      master::status_command(line);
      return CommandStatus::done;
    case Command::connections:
      master::connections_command(line);
      return CommandStatus::done;
    case Command::publish:
      master::publish_command(line);
      return CommandStatus::done;
    case Command::check:
      return master::check_command(line);
    case Command::version:
      std::puts("wsd " WSD_VERSION);
      return CommandStatus::done;
  }
  return CommandStatus::failed;
}

}  // namespace

int main(int argc, char** argv) {
  wsd::worker::init_process_title(argc, argv);
  try {
    const std::span<const char* const> arguments(argv, static_cast<std::size_t>(argc));
    if (arguments.size() > 2 && arguments[1] == std::string_view(master::resume_command_name)) {
      return static_cast<int>(master::resume_command(std::atoi(arguments[2]), arguments.size() > 3));
    }
    // For scripts/document and scripts/package.
    if (arguments.size() == 3 && arguments[1] == std::string_view("describe-options")) {
      const auto page = master::made_for(arguments[2]);
      if (!page) return static_cast<int>(CommandStatus::usage);
      std::fputs(page->c_str(), stdout);
      return 0;
    }
    const auto parsed = master::parse_command_line(arguments.subspan(1));
    if (const auto* help = std::get_if<master::Help>(&parsed)) {
      std::fputs(help->text.c_str(), stdout);
      return 0;
    }
    return static_cast<int>(run(std::get<CommandLine>(parsed)));
  } catch (const master::CommandError& error) {
    master::print_error(error.what());
    return static_cast<int>(error.status());
  } catch (const std::exception& error) {
    master::print_error(error.what());
    return static_cast<int>(CommandStatus::failed);
  }
}
