#include "master/connections_desk.h"

#include <algorithm>

#include "worker/master_protocol.h"

namespace wsd::master {

namespace {

using worker::MasterField;
using worker::MasterOrder;

protocol::RecordWriter list_order(const worker::ConnectionFilter& filter, std::uint64_t question) {
  auto record = worker::record_of(MasterOrder::list_connections);
  record.add(tag(MasterField::filter), encode(filter).bytes());
  record.add_number(tag(MasterField::question), question);
  return record;
}

}  // namespace

void ConnectionsDesk::request(ClientId client, const worker::ConnectionFilter& filter, TimePoint now) {
  const std::uint64_t number = ++last_number_;
  auto asked = around_.pick_workers(filter.slot);
  questions_.emplace(number, Question{.client = client, .open = asked, .missing = {}, .deadline = now + timeout});
  const auto order = list_order(filter, number);
  for (const Asked& one : asked) around_.order(one.worker, order);
  finish_if_complete(number);
}

void ConnectionsDesk::take_answer(WorkerKey worker, std::uint64_t question, worker::FileDescriptor rows) {
  const auto found = questions_.find(question);
  if (found == questions_.end()) return;
  const auto asked = std::ranges::find(found->second.open, worker, &Asked::worker);
  if (asked == found->second.open.end()) return;
  const Slot slot = asked->slot;
  close(found->second, worker);
  if (rows) {
    around_.pass_on(found->second.client, slot, std::move(rows));
  } else {
    found->second.missing.push_back(slot);
  }
  finish_if_complete(question);
}

void ConnectionsDesk::died(WorkerKey worker) {
  std::vector<std::uint64_t> numbers;
  for (auto& [number, question] : questions_) {
    const auto asked = std::ranges::find(question.open, worker, &Asked::worker);
    if (asked == question.open.end()) continue;
    question.missing.push_back(asked->slot);
    close(question, worker);
    numbers.push_back(number);
  }
  for (const std::uint64_t number : numbers) finish_if_complete(number);
}

void ConnectionsDesk::handle_time(TimePoint now) {
  while (!questions_.empty() && questions_.begin()->second.deadline <= now) {
    Question& question = questions_.begin()->second;
    for (const Asked& one : std::exchange(question.open, {})) question.missing.push_back(one.slot);
    finish_if_complete(questions_.begin()->first);
  }
}

void ConnectionsDesk::close(Question& question, WorkerKey worker) {
  std::erase_if(question.open, [worker](const Asked& one) { return one.worker == worker; });
}

void ConnectionsDesk::finish_if_complete(std::uint64_t number) {
  const auto found = questions_.find(number);
  if (found == questions_.end() || !found->second.open.empty()) return;
  Question question = std::move(found->second);
  questions_.erase(found);
  std::ranges::sort(question.missing);
  around_.finish(question.client, question.missing);
}

}  // namespace wsd::master
