// What one process of a run counts, in memory that it shares with the one that reports. It alone writes; counters may
// be read at any time, the rest once it has said that it is done.

#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "tests/wsbench/counter.h"
#include "tests/wsbench/gap_watch.h"
#include "tests/wsbench/latency_histogram.h"

namespace wsd::bench {

// What went wrong, over all connections.
struct Errors {
  Counter connect;    // refused, timed out, no descriptor
  Counter handshake;  // not answered as RFC 6455 §4.1 asks
  Counter wrong;      // an answer that is none to what was sent, or no frame that a server may send
  Counter closed;     // by the server, unasked
  Counter timeout;    // answers that took longer than --timeout, or did not come within it
  Counter lost;       // messages without an answer at the end
  Counter doubled;    // answers that had come before
  Counter reordered;  // answers that came after one to a later message
};

// A view of Errors that can be added up.
struct ErrorCounts {
  std::uint64_t connect = 0, handshake = 0, wrong = 0, closed = 0, timeout = 0, lost = 0, doubled = 0, reordered = 0;

  [[nodiscard]] std::uint64_t sum() const {
    return connect + handshake + wrong + closed + timeout + lost + doubled + reordered;
  }
  void add(const Errors& errors) {
    connect += errors.connect.value();
    handshake += errors.handshake.value();
    wrong += errors.wrong.value();
    closed += errors.closed.value();
    timeout += errors.timeout.value();
    lost += errors.lost.value();
    doubled += errors.doubled.value();
    reordered += errors.reordered.value();
  }
};

struct alignas(128) Statistics {
  // From the beginning of the process.
  Counter opened;          // connections whose handshake has succeeded
  Counter open;            // of them, those that are open now
  Counter events;          // what the mode counts: answers, handshakes, cycles, deliveries
  Counter bytes_received;  // on the wire, as far as the socket shows them
  Counter bytes_sent;
  Errors errors;
  // With --reload.
  Counter reconnected;        // connections that were closed, and are open again
  Counter failed_reconnects;  // attempts
  Counter unsent;             // messages that were due while their connection was closed
  // With --fanout.
  Counter published;
  std::uint64_t largest_batch = 0;  // publications in one message
  Counter stalled_ended;            // of those that did not read
  Counter stalled_closed;           // of them, with 1013
  Counter stalled_missed;           // publications that did not come to them
  Gaps gaps;

  // Of the measured time.
  std::uint64_t measured_events = 0;
  std::uint64_t measured_bytes_received = 0;
  std::uint64_t measured_bytes_sent = 0;
  std::uint64_t measured_published = 0;
  std::uint64_t measured_ns = 0;
  LatencyHistogram latencies;

  // The first thing that went wrong, for people; empty if nothing did.
  void explain(std::string_view what) {
    if (first_problem[0] != '\0') return;
    const std::size_t size = std::min(what.size(), first_problem.size() - 1);
    std::copy_n(what.begin(), size, first_problem.begin());
  }
  std::array<char, 256> first_problem{};
};

}  // namespace wsd::bench
