// The terminal as `wsd status --watch` uses it: a screen of its own that is drawn again and again, and keys. Whatever
// ends the command, the terminal is as it was before.
//
// Where standard output is no terminal nothing of it is touched, and each drawing follows the one before.

#pragma once

#include <termios.h>

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "master/text_table.h"

namespace wsd::master {

class TerminalScreen {
 public:
  // INT, TERM and HUP end wait() from here on.
  TerminalScreen();
  ~TerminalScreen();
  TerminalScreen(const TerminalScreen&) = delete;
  TerminalScreen& operator=(const TerminalScreen&) = delete;

  // What does not fit is left out at the right and at the bottom. False if nobody can read it any more.
  [[nodiscard]] bool draw(std::string_view text);

  enum class Event { timeout, refresh, quit };
  // q, Ctrl-C and a signal quit; any other key wants to see something new.
  [[nodiscard]] Event wait(std::chrono::milliseconds time);

 private:
  const bool is_screen_;
  std::optional<termios> modes_;  // of the keyboard before, if it is one
};

// The characters of a line of the terminal that standard output is; any_width where it is none.
[[nodiscard]] std::size_t terminal_columns();

// Of text that is drawn: as many lines and characters as there is room for, each line cleared behind its end.
[[nodiscard]] std::string fitted(std::string_view text, unsigned columns, unsigned rows);

}  // namespace wsd::master
