// The validator beside the definition of UTF-8.

#include "protocol/utf8.h"
#include "tests/fuzz/fuzz_input.h"
#include "tests/unit/protocol/utf8_reference.h"

namespace wsd::fuzz {
namespace {

using protocol::Utf8Validator;
using protocol::test::reference_verdict;
using protocol::test::Verdict;

Verdict validate(const Pieces& pieces) {
  Utf8Validator validator;
  for (const Bytes& piece : pieces) {
    if (!validator.feed(piece)) return Verdict::invalid;
  }
  return validator.complete() ? Verdict::valid : Verdict::unfinished;
}

// The byte at which the validator fails is the first that could not be right.
void check_that_it_fails_early(std::span<const std::byte> text) {
  Utf8Validator validator;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (validator.feed(text.subspan(i, 1))) continue;
    FUZZ_ASSERT(reference_verdict(text.first(i)) != Verdict::invalid);
    FUZZ_ASSERT(reference_verdict(text.first(i + 1)) == Verdict::invalid);
    return;
  }
}

}  // namespace
}  // namespace wsd::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace wsd::fuzz;
  const Input input(data, size);
  const Verdict verdict = same_for_any_chunking(input, validate);
  FUZZ_ASSERT(verdict == reference_verdict(input.wire));
  FUZZ_ASSERT(wsd::protocol::is_valid_utf8(input.wire) == (verdict == Verdict::valid));
  check_that_it_fails_early(input.wire);
  return 0;
}
