#include "worker/log.h"

#include <fcntl.h>
#include <spdlog/details/null_mutex.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/base_sink.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <memory>
#include <stdexcept>
#include <system_error>

#include "worker/printable_text.h"

namespace wsd::log {

namespace {

constexpr std::array<std::string_view, 4> level_names{"debug", "info", "warning", "error"};

spdlog::level::level_enum to_spdlog(Level level) {
  switch (level) {
    case Level::debug:
      return spdlog::level::debug;
    case Level::info:
      return spdlog::level::info;
    case Level::warning:
      return spdlog::level::warn;
    case Level::error:
      break;
  }
  return spdlog::level::err;
}

// One write(2) per line. A line that was written in part is finished with a newline before the next one.
class LineSink final : public spdlog::sinks::base_sink<spdlog::details::null_mutex> {
 public:
  int descriptor = STDERR_FILENO;
  std::uint64_t lost = 0;

 protected:
  void sink_it_(const spdlog::details::log_msg& message) override {
    if (lost > 0 && !report_losses(message)) {
      ++lost;
      return;
    }
    if (!write_line(message)) ++lost;
  }
  void flush_() override {}

 private:
  bool report_losses(const spdlog::details::log_msg& message) {
    const std::string text = fmt::format("{} log lines were lost: writing the log failed", lost);
    spdlog::details::log_msg report = message;
    report.level = spdlog::level::warn;
    report.payload = text;
    if (!write_line(report)) return false;
    lost = 0;
    return true;
  }

  bool write_line(const spdlog::details::log_msg& message) {
    spdlog::memory_buf_t line;
    if (torn_) line.push_back('\n');
    formatter_->format(message, line);
    const ssize_t written = write_once(line.data(), line.size());
    if (written <= 0) return false;
    torn_ = written < static_cast<ssize_t>(line.size());
    return !torn_;
  }

  ssize_t write_once(const char* data, std::size_t size) const {
    ssize_t written = 0;
    do {
      written = ::write(descriptor, data, size);
    } while (written < 0 && errno == EINTR);
    return written;
  }

  bool torn_ = false;
};

// "info  master[123]"
class SpeakerFlag final : public spdlog::custom_flag_formatter {
 public:
  explicit SpeakerFlag(const std::string* speaker) : speaker_(speaker) {}

  void format(const spdlog::details::log_msg& message, const std::tm&, spdlog::memory_buf_t& line) override {
    append(line, short_name(message.level));
    append(line, *speaker_);
  }
  std::unique_ptr<spdlog::custom_flag_formatter> clone() const override {
    return std::make_unique<SpeakerFlag>(speaker_);
  }

 private:
  static std::string_view short_name(spdlog::level::level_enum level) {
    switch (level) {
      case spdlog::level::debug:
        return "debug ";
      case spdlog::level::info:
        return "info  ";
      case spdlog::level::warn:
        return "warn  ";
      default:
        return "error ";
    }
  }
  static void append(spdlog::memory_buf_t& line, std::string_view text) {
    line.append(text.data(), text.data() + text.size());
  }

  const std::string* speaker_;
};

// The process's one log. Not destroyed at exit, so that destructors of others may still speak.
struct Log {
  Log() {
    auto formatter = std::make_unique<spdlog::pattern_formatter>();
    formatter->add_flag<SpeakerFlag>('Q', &speaker).set_pattern("%Y-%m-%d %H:%M:%S.%e %Q: %v");
    sink.set_formatter(std::move(formatter));
  }

  Level level = Level::info;
  std::string speaker = fmt::format("wsd[{}]", ::getpid());
  LineSink sink;
};

Log& the_log() {
  static Log& log = *new Log;
  return log;
}

bool may_hold_a_log(int descriptor) {
  struct stat status {};
  return ::fstat(descriptor, &status) == 0 && (S_ISREG(status.st_mode) || S_ISCHR(status.st_mode));
}

}  // namespace

std::string_view to_string(Level level) {
  return level_names[static_cast<std::size_t>(level)];
}

std::optional<Level> level_from(std::string_view text) {
  if (text == "warn") return Level::warning;
  for (std::size_t i = 0; i < level_names.size(); ++i) {
    if (level_names[i] == text) return static_cast<Level>(i);
  }
  return std::nullopt;
}

worker::FileDescriptor open_file(const std::string& path) {
  // O_NONBLOCK: a FIFO in the log's place must not hang the start.
  constexpr int flags = O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY | O_NONBLOCK;
  worker::FileDescriptor file(::open(path.c_str(), flags, 0640));
  if (!file && errno == ELOOP) throw std::runtime_error(path + " is a symbolic link, which a log file must not be");
  if (!file) throw std::system_error(errno, std::generic_category(), path);
  if (!may_hold_a_log(file.get())) throw std::runtime_error(path + " is not a regular file");
  ::fcntl(file.get(), F_SETFL, O_APPEND);  // without O_NONBLOCK from here on
  return file;
}

void use(int fd) {
  the_log().sink.descriptor = fd;
}
int fd() {
  return the_log().sink.descriptor;
}
void set_level(Level level) {
  the_log().level = level;
}
bool enabled(Level level) {
  return level >= the_log().level;
}
void set_role(std::string_view role) {
  the_log().speaker = fmt::format("{}[{}]", role, ::getpid());
}
std::uint64_t lost_lines() {
  return the_log().sink.lost;
}

void write(Level level, std::string_view text) noexcept try {
  if (!enabled(level)) return;
  const std::string line = escape(text);
  the_log().sink.log(spdlog::details::log_msg(spdlog::string_view_t(), to_spdlog(level), line));
} catch (...) {
  // Out of memory, or a broken clock or time zone: the service is worth more than its log.
  ++the_log().sink.lost;
}

std::string escape(std::string_view text) {
  return worker::printable(text);
}

}  // namespace wsd::log
