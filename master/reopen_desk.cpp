#include "master/reopen_desk.h"

#include <fmt/format.h>

#include <exception>
#include <utility>

#include "master/exit_status.h"
#include "worker/master_protocol.h"

namespace wsd::master {

namespace {

using worker::MasterField;

protocol::RecordWriter reopen_order(const std::string& kinds, std::uint64_t question) {
  auto record = worker::record_of(worker::MasterOrder::reopen);
  record.add(tag(MasterField::files), kinds);
  record.add_number(tag(MasterField::question), question);
  return record;
}

void add_sentence(std::string& text, const std::string& sentence) {
  if (!text.empty()) text += "; ";
  text += sentence;
}

}  // namespace

void ReopenDesk::request(ClientId client, TimePoint now) {
  OpenedFiles files;
  try {
    files = around_.open();
    if (files.kinds.empty()) {
      return around_.answer(client, CommandStatus::done,
                            "nothing to reopen: the log goes to the terminal; --log-file names a file for it");
    }
    around_.use(files);
  } catch (const std::exception& error) {
    return around_.answer(client, CommandStatus::failed,
                          fmt::format("{}; every process goes on in the files it has", error.what()));
  }
  const std::uint64_t number = ++last_number_;
  Question& question = questions_.emplace(number, Question{.client = client, .deadline = now + timeout}).first->second;
  question.waiting = around_.workers();
  question.processes += question.waiting.size();
  std::vector<int> descriptors;
  for (const auto& descriptor : files.descriptors) descriptors.push_back(descriptor.get());
  for (const auto& [worker, name] : question.waiting) {
    around_.order(worker, reopen_order(files.kinds, number), descriptors);
  }
  finish_if_answered(number);
}

void ReopenDesk::take_answer(WorkerKey worker, std::uint64_t number, const std::string& problem) {
  const auto found = questions_.find(number);
  if (found == questions_.end()) return;  // late
  Question& question = found->second;
  const auto name = question.waiting.extract(worker);
  if (name.empty()) return;
  if (!problem.empty()) add_sentence(question.problems, fmt::format("{} cannot: {}", name.mapped(), problem));
  finish_if_answered(number);
}

void ReopenDesk::died(WorkerKey worker) {
  std::vector<std::uint64_t> answered;
  for (auto& [number, question] : questions_) {
    if (question.waiting.erase(worker) != 0) answered.push_back(number);
  }
  for (const std::uint64_t number : answered) finish_if_answered(number);
}

void ReopenDesk::handle_time(TimePoint now) {
  while (!questions_.empty() && questions_.begin()->second.deadline <= now) finish(questions_.begin()->first);
}

void ReopenDesk::finish_if_answered(std::uint64_t number) {
  if (questions_.at(number).waiting.empty()) finish(number);
}

void ReopenDesk::finish(std::uint64_t number) {
  const Question question = std::move(questions_.extract(number).mapped());
  std::string problems = question.problems;
  for (const auto& [worker, name] : question.waiting) {
    add_sentence(problems, fmt::format("{} has not answered within {} s and may still write to the old files: it "
                                       "switches when it runs again",
                                       name, timeout.count()));
  }
  if (!problems.empty()) return around_.answer(question.client, CommandStatus::failed, problems);
  around_.answer(question.client, CommandStatus::done,
                 fmt::format("reopened: {} processes write to the new files", question.processes));
}

}  // namespace wsd::master
