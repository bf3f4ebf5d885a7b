// The commands that talk to a running master. Each returns when what it asked for is done, printing results on standard
// output, or throws CommandError with what to do about it.
//
// The master is found by the lock it holds, never by a file's word; a process that does not hold it is never signalled.

#pragma once

#include <functional>

#include "master/command_line.h"
#include "master/configuration.h"
#include "master/master_contact.h"

namespace wsd::master {

void stop_command(const CommandLine& line);
void reload_command(const CommandLine& line);
void upgrade_command(const CommandLine& line);
void status_command(const CommandLine& line);
void reopen_command(const CommandLine& line);
void connections_command(const CommandLine& line);
void publish_command(const CommandLine& line);

// The first half of restart: stops the master if there is one. `prepare` gets what to start with (what the master
// remembered, under what `line` and our own environment give) before anything is stopped: if it throws, nothing is.
void stop_for_restart(const CommandLine& line, const std::function<void(const OptionLayers&)>& prepare);

// What a running server was started with, and what reloads have added. Throws CommandError where it does not say.
[[nodiscard]] OptionLayers layers_of_server(MasterContact& master);

// The one line of CommandError, as main prints it on standard error: "wsd: …".
void print_error(const std::string& line);
void print_warning(const std::string& line);

}  // namespace wsd::master
