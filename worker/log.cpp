#include "worker/log.h"

#include <fcntl.h>
#include <spdlog/details/null_mutex.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/base_sink.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <ctime>
#include <memory>
#include <stdexcept>
#include <system_error>
#include <vector>

#include "protocol/json_writer.h"
#include "protocol/printable_text.h"
#include "worker/line_file.h"
#include "worker/line_rate.h"

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

Level from_spdlog(spdlog::level::level_enum level) {
  switch (level) {
    case spdlog::level::debug:
      return Level::debug;
    case spdlog::level::info:
      return Level::info;
    case spdlog::level::warn:
      return Level::warning;
    default:
      return Level::error;
  }
}

// Before the first line that can be written again: how many could not.
class LineSink final : public spdlog::sinks::base_sink<spdlog::details::null_mutex> {
 public:
  worker::LineFile file{STDERR_FILENO};

 protected:
  void sink_it_(const spdlog::details::log_msg& message) override {
    if (file.untold() > 0 && !report_losses(message)) return file.count_lost();
    (void)file.write(line_of(message));
  }
  void flush_() override {}

 private:
  bool report_losses(const spdlog::details::log_msg& message) {
    const std::string text = fmt::format("{} log lines were lost: writing the log failed", file.untold());
    spdlog::details::log_msg report = message;
    report.level = spdlog::level::warn;
    report.payload = text;
    if (!file.try_to_write(line_of(report))) return false;
    file.told();
    return true;
  }

  std::string line_of(const spdlog::details::log_msg& message) {
    spdlog::memory_buf_t line;
    formatter_->format(message, line);
    return {line.data(), line.size()};
  }
};

struct Speaker {
  std::string role;
  std::optional<unsigned> slot;
  pid_t pid = 0;
};

void append(spdlog::memory_buf_t& line, std::string_view text) {
  line.append(text.data(), text.data() + text.size());
}

// "info  worker 2[124]"
class SpeakerFlag final : public spdlog::custom_flag_formatter {
 public:
  explicit SpeakerFlag(const Speaker* speaker) : speaker_(speaker) {}

  void format(const spdlog::details::log_msg& message, const std::tm&, spdlog::memory_buf_t& line) override {
    append(line, short_name(message.level));
    append(line, speaker_->role);
    if (speaker_->slot) append(line, fmt::format(" {}", *speaker_->slot));
    append(line, fmt::format("[{}]", speaker_->pid));
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

  const Speaker* speaker_;
};

class JsonFormatter final : public spdlog::formatter {
 public:
  explicit JsonFormatter(const Speaker* speaker) : speaker_(speaker) {}

  void format(const spdlog::details::log_msg& message, spdlog::memory_buf_t& line) override {
    protocol::JsonWriter json;
    json.begin_object();
    json.field("time", rfc3339(message.time));
    json.field("level", to_string(from_spdlog(message.level)));
    json.field("role", speaker_->role);
    if (speaker_->slot) json.field("worker", *speaker_->slot);
    json.field("pid", speaker_->pid);
    json.field("message", std::string_view(message.payload.data(), message.payload.size()));
    json.end_object();
    append(line, json.take());
    line.push_back('\n');
  }
  std::unique_ptr<spdlog::formatter> clone() const override { return std::make_unique<JsonFormatter>(speaker_); }

 private:
  const Speaker* speaker_;
};

// The process's one log. Not destroyed at exit, so that destructors of others may still speak.
struct Log {
  Log() { set_format(Format::text); }

  void set_format(Format wanted) {
    format = wanted;
    if (wanted == Format::json) return sink.set_formatter(std::make_unique<JsonFormatter>(&speaker));
    auto formatter = std::make_unique<spdlog::pattern_formatter>();
    formatter->add_flag<SpeakerFlag>('Q', &speaker).set_pattern("%Y-%m-%d %H:%M:%S.%e %Q: %v");
    sink.set_formatter(std::move(formatter));
  }

  Level level = Level::info;
  Format format = Format::text;
  Speaker speaker{.role = "wsd", .slot = std::nullopt, .pid = ::getpid()};
  LineSink sink;
  worker::LineRate strangers;
};

Log& the_log() {
  static Log& log = *new Log;
  return log;
}

void tell(const std::vector<worker::LineRate::HeldBack>& held_back) {
  for (const auto& [kind, lines] : held_back) info("{}: {} more like this were not logged", kind, lines);
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

bool replace_file(int target, int file) {
  std::fflush(stdout);  // what an app has printed so far belongs to the old one
  if (target != file && ::dup3(file, target, target <= STDERR_FILENO ? 0 : O_CLOEXEC) != target) return false;
  if (target == fd()) use(target);
  return true;
}

void use(int fd) {
  the_log().sink.file.use(fd);
}
int fd() {
  return the_log().sink.file.descriptor();
}
void set_level(Level level) {
  the_log().level = level;
}
bool enabled(Level level) {
  return level >= the_log().level;
}
void set_format(Format format) {
  if (format != the_log().format) the_log().set_format(format);
}
Format format() {
  return the_log().format;
}
void set_role(std::string_view role, std::optional<unsigned> slot) {
  Log& log = the_log();
  if (log.speaker.pid != ::getpid()) {
    log.strangers = worker::LineRate();
    log.sink.file = worker::LineFile(log.sink.file.descriptor());
  }
  log.speaker = {.role = std::string(role), .slot = slot, .pid = ::getpid()};
}
std::uint64_t lost_lines() {
  return the_log().sink.file.untold();
}
std::uint64_t all_lost_lines() {
  return the_log().sink.file.lost();
}

void write(Level level, std::string_view text) noexcept try {
  if (!enabled(level)) return;
  const std::string line = escape(text);
  the_log().sink.log(spdlog::details::log_msg(spdlog::string_view_t(), to_spdlog(level), line));
} catch (...) {
  // Out of memory, or a broken clock or time zone: the service is worth more than its log.
  the_log().sink.file.count_lost();
}

bool has_room_for(Level level, std::string_view kind) {
  return enabled(level) && the_log().strangers.take(kind, std::chrono::steady_clock::now());
}

void tell_held_back() {
  tell(the_log().strangers.take_held_back(std::chrono::steady_clock::now()));
}

void tell_all_held_back() {
  tell(the_log().strangers.take_all_held_back());
}

std::string rfc3339(std::chrono::system_clock::time_point time) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(time);
  const auto milliseconds = std::chrono::floor<std::chrono::milliseconds>(time - seconds).count();
  const std::time_t whole = std::chrono::system_clock::to_time_t(seconds);
  std::tm parts{};
  ::gmtime_r(&whole, &parts);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", parts.tm_year + 1900, parts.tm_mon + 1,
                     parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec, milliseconds);
}

std::string escape(std::string_view text) {
  return protocol::printable(text);
}

}  // namespace wsd::log
