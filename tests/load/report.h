#pragma once

#include <string>
#include <string_view>

#include "tests/load/errors.h"
#include "tests/load/latency_histogram.h"
#include "tests/load/options.h"

namespace wsd::load {

// The outcome of a run as one JSON object on one line.
class Report {
 public:
  explicit Report(const Options& options);

  void add(std::string_view name, double value);
  void add(std::string_view name, std::size_t value);
  void add_latencies(const LatencyHistogram& latencies);
  void add_errors(const Errors& errors);

  [[nodiscard]] bool is_clean() const { return is_clean_; }
  [[nodiscard]] std::string line() const { return "{" + members_ + "}"; }

 private:
  void add_raw(std::string_view name, std::string_view value);

  std::string members_;
  bool is_clean_ = true;
};

}  // namespace wsd::load
