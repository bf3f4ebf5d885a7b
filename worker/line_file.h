// A file of lines that many processes append to: one O_APPEND write(2) per line, nothing buffered and no thread.
//
// A line that cannot be written (full disk, closed pipe) is dropped and counted, never waited for. One that was written
// in part is finished with a newline before the next. Does not own its descriptor.

#pragma once

#include <cstdint>
#include <string_view>

namespace wsd::worker {

class LineFile {
 public:
  explicit LineFile(int descriptor) : descriptor_(descriptor) {}

  // Another file, maybe behind the same number: what was torn was torn in the old one.
  void use(int descriptor) {
    descriptor_ = descriptor;
    torn_ = false;
  }
  [[nodiscard]] int descriptor() const { return descriptor_; }

  // `line`: with its newline. False if it is lost, which is counted.
  bool write(std::string_view line);
  // The same of a line whose loss is none.
  [[nodiscard]] bool try_to_write(std::string_view line);

  [[nodiscard]] std::uint64_t lost() const { return lost_; }
  // Of these, those that nobody was told of yet.
  [[nodiscard]] std::uint64_t untold() const { return untold_; }
  // Somebody was.
  void told() { untold_ = 0; }
  // One that did not even come to be written.
  void count_lost();

 private:
  int descriptor_;
  bool torn_ = false;
  std::uint64_t lost_ = 0;
  std::uint64_t untold_ = 0;
};

}  // namespace wsd::worker
