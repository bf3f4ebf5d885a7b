#include "master/publish_desk.h"

#include <fmt/format.h>

#include "master/quantities.h"
#include "protocol/json_writer.h"
#include "worker/master_protocol.h"

namespace wsd::master {

namespace {

using worker::MasterField;
using worker::MasterOrder;

protocol::RecordWriter publish_order(const Publication& publication, std::uint64_t question) {
  auto record = worker::record_of(MasterOrder::publish);
  record.add(tag(MasterField::channel), publication.channel);
  record.add(tag(MasterField::data), publication.data);
  record.add_number(tag(MasterField::binary), publication.binary ? 1 : 0);
  record.add_number(tag(MasterField::question), question);
  return record;
}

}  // namespace

std::string to_text(const Published& published) {
  return fmt::format("delivered to {}{}", counted(published.delivered_to, "subscriber"),
                     published.partial ? "; a worker did not answer in time" : "");
}

std::string to_json(const Published& published) {
  protocol::JsonWriter json;
  json.begin_object();
  json.field("delivered_to", published.delivered_to);
  json.field("partial", published.partial);
  json.end_object();
  return json.take();
}

void PublishDesk::request(ClientId client, const Publication& publication, TimePoint now) {
  const auto worker = around_.pick_worker();
  if (!worker) return around_.answer(client, std::nullopt);
  const std::uint64_t number = ++last_number_;
  questions_.emplace(number, Question{.client = client, .worker = *worker, .deadline = now + timeout});
  around_.order(*worker, publish_order(publication, number));
}

void PublishDesk::take_answer(WorkerKey worker, std::uint64_t question, const Published& published) {
  const auto found = questions_.find(question);
  if (found == questions_.end() || found->second.worker != worker) return;
  const ClientId client = found->second.client;
  questions_.erase(found);
  around_.answer(client, published);
}

void PublishDesk::died(WorkerKey worker) {
  give_up([worker](const Question& question) { return question.worker == worker; });
}

void PublishDesk::handle_time(TimePoint now) {
  give_up([now](const Question& question) { return question.deadline <= now; });
}

template <typename Predicate>
void PublishDesk::give_up(Predicate is_lost) {
  std::erase_if(questions_, [&](const auto& entry) {
    if (!is_lost(entry.second)) return false;
    around_.answer(entry.second.client, Published{.delivered_to = 0, .partial = true});
    return true;
  });
}

}  // namespace wsd::master
