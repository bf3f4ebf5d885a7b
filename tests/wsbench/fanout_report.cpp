#include "tests/wsbench/fanout_report.h"

#include <fmt/format.h>

#include "tests/wsbench/figures.h"

namespace wsd::bench {
namespace {

double publications_per_second(const Outcome& outcome) {
  const double seconds = outcome.measured.count();
  return seconds > 0 ? static_cast<double>(outcome.publications) / seconds : 0;
}

}  // namespace

std::string fanout_heading(const Options& options) {
  std::string text = fmt::format(" that subscribe, {} that publish", options.publishers);
  if (options.stalled > 0) text += fmt::format(", {} that do not read", options.stalled);
  return text;
}

std::string fanout_lines(const Options& options, const Outcome& outcome) {
  if (options.mode != ModeName::fanout) return "";
  std::string text = fmt::format("  {} publications, {} a second\n", outcome.publications,
                                 count_text(publications_per_second(outcome)));
  if (options.stalled == 0) return text;
  return text +
         fmt::format("  Of {} that did not read, {} were closed, {} of them with 1013; they missed {} publications\n",
                     options.stalled, outcome.stalled_ended, outcome.stalled_closed, outcome.stalled_missed);
}

void add_fanout(protocol::JsonWriter& json, const Options& options, const Outcome& outcome) {
  if (options.mode != ModeName::fanout) return;
  json.field("publishers", options.publishers);
  json.field("publications", outcome.publications);
  json.field("publications_per_second", publications_per_second(outcome));
  json.field("largest_batch", outcome.largest_batch);
  if (options.stalled == 0) return;
  json.field("stalled", options.stalled);
  json.field("stalled_ended", outcome.stalled_ended);
  json.field("stalled_closed_1013", outcome.stalled_closed);
  json.field("stalled_missed", outcome.stalled_missed);
}

}  // namespace wsd::bench
