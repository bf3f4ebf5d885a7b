// Where `wsd publish` is asked for and answered: a worker that serves gets the message and publishes it, and says how
// many subscribers it reached.
//
// Owned by the master. Speaks to workers and clients by what it was given.

#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include "master/control_socket.h"
#include "master/first_deadline.h"
#include "master/supervision.h"
#include "protocol/record.h"

namespace wsd::master {

struct Published {
  std::uint64_t delivered_to = 0;  // subscribers whose queue took it
  bool partial = false;            // a worker did not answer in time: there may be more
};

// "delivered to 3 subscribers", "delivered to 1 subscriber; a worker did not answer in time"
[[nodiscard]] std::string to_text(const Published& published);
[[nodiscard]] std::string to_json(const Published& published);

class PublishDesk {
 public:
  using ClientId = ControlSocket::ClientId;

  static constexpr std::chrono::seconds timeout{2};  // longer than workers wait for one another

  struct Surroundings {
    std::function<std::optional<WorkerKey>()> pick_worker;
    std::function<void(WorkerKey, const protocol::RecordWriter&)> order;
    std::function<void(ClientId, std::optional<Published>)> answer;  // once; nothing: no worker serves
  };

  explicit PublishDesk(Surroundings surroundings) : around_(std::move(surroundings)) {}

  void request(ClientId client, const Publication& publication, TimePoint now);
  // An answer that is late, or to another's question, means nothing.
  void take_answer(WorkerKey worker, std::uint64_t question, const Published& published);
  void died(WorkerKey worker);

  [[nodiscard]] std::optional<TimePoint> next_deadline() const { return first_deadline(questions_); }
  void handle_time(TimePoint now);

 private:
  struct Question {
    ClientId client;
    WorkerKey worker;
    TimePoint deadline;
  };

  // Those whose answer will not come. What the worker did with the message, nobody knows.
  template <typename Predicate>
  void give_up(Predicate is_lost);

  Surroundings around_;
  std::map<std::uint64_t, Question> questions_;  // by number, and so by deadline too
  std::uint64_t last_number_ = 0;
};

}  // namespace wsd::master
