// What another worker's bus knew: whatever the bytes, they are refused or taken, and what is taken can be saved and
// taken again, and worked with. Framing inside of links is not for strangers to write; there are none here.

#include <vector>

#include "tests/fuzz/fuzz_input.h"
#include "tests/unit/worker/support/bus_worker.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace wsd;
  using worker::test::BusWorker;
  BusWorker heir(1, 7, 3);
  if (!heir.bus.restore(std::as_bytes(std::span(data, size)), {})) return 0;
  heir.end_turn();
  const worker::MeshBus::State state = heir.bus.save();
  BusWorker next(1, 8, 3);
  FUZZ_ASSERT(next.bus.restore(state.records, {}));
  for (const char* channel : {"plain", "hist0", "hist1", "hist2", "room0", "room1", "room2"}) {
    const ConnectionId id = next.connect();
    next.subscribe(id, channel, "Ann");
    (void)next.publish(id, channel, "hello");
  }
  next.end_turn();
  next.bus.complete(2);
  next.end_turn();
  next.bus.complete(1);
  next.end_turn();
  return 0;
}
