#include "master/terminal_screen.h"

#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>

namespace wsd::master {

namespace {

constexpr std::string_view enter_screen = "\x1b[?1049h\x1b[?25l";  // another screen, without a cursor
constexpr std::string_view leave_screen = "\x1b[?25h\x1b[?1049l";
constexpr std::string_view go_home = "\x1b[H";
constexpr std::string_view clear_rest_of_line = "\x1b[K";
constexpr std::string_view clear_below = "\x1b[J";
constexpr char ctrl_c = 3;
constexpr char ctrl_d = 4;

volatile sig_atomic_t end_requested = 0;

void request_end(int) {
  end_requested = 1;
}

// Without SA_RESTART: what waits is to notice.
void quit_on(int signal_number) {
  struct sigaction action {};
  action.sa_handler = request_end;
  ::sigaction(signal_number, &action, nullptr);
}

bool write_all(std::string_view text) {
  while (!text.empty()) {
    const ssize_t count = ::write(STDOUT_FILENO, text.data(), text.size());
    if (count < 0 && errno == EINTR && end_requested == 0) continue;
    if (count < 0) return false;
    text.remove_prefix(static_cast<std::size_t>(count));
  }
  return true;
}

// The bytes of the first so many characters (code points) of a line.
std::string_view first_characters(std::string_view line, unsigned count) {
  std::size_t end = 0;
  for (unsigned characters = 0; end < line.size() && characters < count; ++characters) {
    ++end;
    while (end < line.size() && (static_cast<unsigned char>(line[end]) & 0xC0U) == 0x80) ++end;
  }
  return line.substr(0, end);
}

winsize terminal_size() {
  winsize size{};
  if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 && size.ws_row > 0) return size;
  size.ws_col = 80;
  size.ws_row = 24;
  return size;
}

}  // namespace

std::size_t terminal_columns() {
  return ::isatty(STDOUT_FILENO) == 1 ? terminal_size().ws_col : any_width;
}

std::string fitted(std::string_view text, unsigned columns, unsigned rows) {
  std::string result;
  for (unsigned row = 0; row < rows && !text.empty(); ++row) {
    const std::size_t end = text.find('\n');
    if (row > 0) result += "\r\n";
    result += first_characters(text.substr(0, end), columns);
    result += clear_rest_of_line;
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  return result;
}

TerminalScreen::TerminalScreen() : is_screen_(::isatty(STDOUT_FILENO) == 1) {
  for (const int signal_number : {SIGINT, SIGTERM, SIGHUP}) quit_on(signal_number);
  ::signal(SIGPIPE, SIG_IGN);
  if (!is_screen_) return;
  termios modes{};
  if (::tcgetattr(STDIN_FILENO, &modes) == 0) {
    modes_ = modes;
    // Keys come at once and unseen. Ctrl-C is a key too, and Ctrl-Z none: it would leave a screen that is not the
    // shell's.
    modes.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO | ISIG);
    ::tcsetattr(STDIN_FILENO, TCSADRAIN, &modes);
  }
  write_all(enter_screen);
}

TerminalScreen::~TerminalScreen() {
  if (!is_screen_) return;
  write_all(leave_screen);
  if (modes_) ::tcsetattr(STDIN_FILENO, TCSADRAIN, &*modes_);
}

bool TerminalScreen::draw(std::string_view text) {
  if (!is_screen_) return write_all(text);
  const winsize size = terminal_size();
  std::string drawing(go_home);
  drawing += fitted(text, size.ws_col, size.ws_row);
  drawing += clear_below;
  return write_all(drawing);
}

TerminalScreen::Event TerminalScreen::wait(std::chrono::milliseconds time) {
  if (end_requested != 0) return Event::quit;
  pollfd keyboard{.fd = modes_ ? STDIN_FILENO : -1, .events = POLLIN, .revents = 0};
  const int count = ::poll(&keyboard, 1, static_cast<int>(time.count()));
  if (end_requested != 0) return Event::quit;
  if (count <= 0) return Event::timeout;
  std::array<char, 16> keys{};
  const ssize_t size = ::read(STDIN_FILENO, keys.data(), keys.size());
  if (size <= 0) return Event::quit;
  const std::string_view pressed(keys.data(), static_cast<std::size_t>(size));
  return pressed.find_first_of(std::string{'q', 'Q', ctrl_c, ctrl_d}) == std::string_view::npos ? Event::refresh
                                                                                                : Event::quit;
}

}  // namespace wsd::master
