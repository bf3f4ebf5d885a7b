// Where `wsd reopen` is asked for and answered: the files are opened anew, every process gets them and says that it has
// switched, and who asked hears when the last one has, or which ones have not.
//
// Owned by the master. Speaks to workers and clients by what it was given.

#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "master/control_socket.h"
#include "master/first_deadline.h"
#include "master/log_files.h"
#include "master/supervision.h"
#include "protocol/record.h"

namespace wsd::master {

class ReopenDesk {
 public:
  using ClientId = ControlSocket::ClientId;

  static constexpr std::chrono::seconds timeout{3};

  struct Surroundings {
    std::function<OpenedFiles()> open;  // throws CommandError
    // Puts them in place in this process. Throws std::runtime_error.
    std::function<void(const OpenedFiles&)> use;
    std::function<std::map<WorkerKey, std::string>()> workers;  // every process, with what it is called
    std::function<void(WorkerKey, const protocol::RecordWriter&, const std::vector<int>&)> order;
    std::function<void(ClientId, CommandStatus, const std::string&)> answer;  // once
  };

  explicit ReopenDesk(Surroundings surroundings) : around_(std::move(surroundings)) {}

  void request(ClientId client, TimePoint now);
  // `problem`: why it has not switched; empty if it has.
  void take_answer(WorkerKey worker, std::uint64_t question, const std::string& problem);
  // It writes nowhere any more.
  void died(WorkerKey worker);

  [[nodiscard]] std::optional<TimePoint> next_deadline() const { return first_deadline(questions_); }
  void handle_time(TimePoint now);

 private:
  struct Question {
    ClientId client;
    TimePoint deadline;
    std::size_t processes = 1;                   // with this one
    std::map<WorkerKey, std::string> waiting{};  // for their answers
    std::string problems{};                      // those that answered that they cannot
  };

  void finish_if_answered(std::uint64_t number);
  void finish(std::uint64_t number);

  Surroundings around_;
  std::map<std::uint64_t, Question> questions_;  // by number, and so by deadline too
  std::uint64_t last_number_ = 0;
};

}  // namespace wsd::master
