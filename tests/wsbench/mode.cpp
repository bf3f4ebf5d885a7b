#include "tests/wsbench/mode.h"

#include "tests/wsbench/echo_mode.h"

namespace wsd::bench {

std::unique_ptr<Mode> make_mode(const ModeContext& context) {
  switch (context.options().mode) {
    case ModeName::echo:
    case ModeName::connect:
    case ModeName::churn:
    case ModeName::idle:
      break;
  }
  return std::make_unique<EchoMode>(context);
}

}  // namespace wsd::bench
