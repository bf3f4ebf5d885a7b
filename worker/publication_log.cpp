#include "worker/publication_log.h"

namespace wsd::worker {

void PublicationLog::make_run(std::uint64_t number) {
  run_ = {.frames = {}, .excluded = {}, .begin = number, .end = end()};
  std::vector<std::byte> together;
  for (std::uint64_t i = number; i < run_.end; ++i) {
    const Entry& entry = at(i);
    run_.excluded.insert(run_.excluded.end(), entry.excluded.begin(), entry.excluded.end());
    run_.frames = entry.message.plain();
    if (run_.end - number > 1) together.insert(together.end(), run_.frames.bytes().begin(), run_.frames.bytes().end());
  }
  if (!together.empty()) run_.frames = SharedFrame(together);
}

}  // namespace wsd::worker
