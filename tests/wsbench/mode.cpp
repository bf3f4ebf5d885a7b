#include "tests/wsbench/mode.h"

#include "tests/wsbench/cycle_mode.h"
#include "tests/wsbench/echo_mode.h"
#include "tests/wsbench/fanout_mode.h"
#include "tests/wsbench/idle_mode.h"

namespace wsd::bench {

std::unique_ptr<Mode> make_mode(const ModeContext& context) {
  switch (context.options().mode) {
    case ModeName::fanout:
      return std::make_unique<FanoutMode>(context);
    case ModeName::connect:
    case ModeName::churn:
      return std::make_unique<CycleMode>(context);
    case ModeName::idle:
      return std::make_unique<IdleMode>(context);
    case ModeName::echo:
      break;
  }
  return std::make_unique<EchoMode>(context);
}

}  // namespace wsd::bench
