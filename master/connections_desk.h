// Where `wsd connections` is asked for and answered: every worker that has clients is asked for its rows, and what each
// gives, a memfd, goes on to the command unread.
//
// Owned by the master. Speaks to workers and clients by what it was given.

#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "master/control_socket.h"
#include "master/first_deadline.h"
#include "master/supervision.h"
#include "protocol/record.h"
#include "worker/connection_filter.h"
#include "worker/file_descriptor.h"

namespace wsd::master {

class ConnectionsDesk {
 public:
  using ClientId = ControlSocket::ClientId;

  static constexpr std::chrono::seconds timeout{2};  // for all workers; who is silent then is missing

  struct Asked {
    WorkerKey worker;
    Slot slot;
  };
  struct Surroundings {
    std::function<std::vector<Asked>(std::optional<std::uint32_t> slot)> pick_workers;
    std::function<void(WorkerKey, const protocol::RecordWriter&)> order;
    // The rows of one worker.
    std::function<void(ClientId, Slot, worker::FileDescriptor)> pass_on;
    // Once: nothing more comes. `missing`: of whom nothing came.
    std::function<void(ClientId, const std::vector<Slot>& missing)> finish;
  };

  explicit ConnectionsDesk(Surroundings surroundings) : around_(std::move(surroundings)) {}

  void request(ClientId client, const worker::ConnectionFilter& filter, TimePoint now);
  // An answer that is late means nothing. Without rows the worker had no memory for them.
  void take_answer(WorkerKey worker, std::uint64_t question, worker::FileDescriptor rows);
  void died(WorkerKey worker);

  [[nodiscard]] std::optional<TimePoint> next_deadline() const { return first_deadline(questions_); }
  void handle_time(TimePoint now);

 private:
  struct Question {
    ClientId client;
    std::vector<Asked> open;  // whose answers are not here
    std::vector<Slot> missing;
    TimePoint deadline;
  };

  static void close(Question& question, WorkerKey worker);
  void finish_if_complete(std::uint64_t number);

  Surroundings around_;
  std::map<std::uint64_t, Question> questions_;  // by number, and so by deadline too
  std::uint64_t last_number_ = 0;
};

}  // namespace wsd::master
