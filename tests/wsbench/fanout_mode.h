// Publishers and subscribers of one channel, which the server makes of the URL's path: what one says, all others get.
//
// Each publisher has so many publications outstanding that not everybody has got (--pipeline), or speaks at a steady
// rate whoever has got what. Deliveries are the events; their latency counts from the publisher's send, or, at a rate,
// from when it was due, in whichever process that was.

#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "tests/wsbench/delivery_ledger.h"
#include "tests/wsbench/fanout_board.h"
#include "tests/wsbench/gap_watch.h"
#include "tests/wsbench/mode.h"
#include "tests/wsbench/publication.h"
#include "tests/wsbench/publication_window.h"
#include "tests/wsbench/random.h"
#include "tests/wsbench/send_schedule.h"

namespace wsd::bench {

class FanoutMode final : public Mode {
 public:
  explicit FanoutMode(const ModeContext& context);

  [[nodiscard]] std::size_t held_connections() const override { return context_.connections.size(); }
  void prepare() override;
  [[nodiscard]] bool is_prepared() const override;
  void begin() override;
  [[nodiscard]] Time next_time() const override;
  void act() override;
  void on_wakeup() override;
  void finish() override;
  [[nodiscard]] bool is_settled() const override;
  void settle() override;
  [[nodiscard]] bool is_over() const override { return context_.statistics().open.value() == 0; }

  void on_open(Connection& connection) override;
  [[nodiscard]] bool on_piece(Connection& connection, const MessagePiece& piece) override;
  void on_read(Connection& connection) override;
  void on_writable(Connection&) override {}
  void on_end(Connection& connection, Ending ending) override;

 private:
  enum class Role : std::uint8_t { subscriber, publisher, stalled };
  enum class Phase : std::uint8_t { opening, reaching, publishing, finished };

  struct Listener {
    Role role;
    std::uint32_t publisher;  // its number, if it is one
    DeliveryLedger ledger;
    std::string partial;  // a message that has not ended
    bool is_here = false;
    bool is_reached = false;
  };
  // One of this process.
  struct Publisher {
    std::uint32_t number;
    Connection* connection;
    SendSchedule schedule;
  };

  [[nodiscard]] bool is_open_loop() const { return context_.options().rate > 0; }
  [[nodiscard]] static bool hears(const Listener& listener, std::size_t publisher) {
    return listener.role == Role::subscriber || (listener.role == Role::publisher && publisher != listener.publisher);
  }
  void set_roles();
  void check_reached(Listener& listener);
  void recheck_reached();
  void leave(std::size_t publisher);
  void send_probes();
  // Writes the next one; send() takes them.
  void publish(const Publisher& publisher, Time due, std::string& frames);
  void publish_due();
  // One more for each that everybody has got, in all processes.
  void publish_next(const Publisher& publisher);
  void announce(std::size_t publisher);
  bool take_text(Listener& listener, std::string_view text);
  bool take_publication(Listener& listener, std::string_view& text);
  void count_delivery(Listener& listener, const Publication& publication, std::uint64_t before);
  void look_at_stalled(Statistics& statistics) const;
  // Of a publisher's, what has not come to the listeners of this process.
  [[nodiscard]] std::uint64_t outstanding(std::size_t publisher) const;

  ModeContext context_;
  FanoutBoard& board_;
  Publications publications_;
  Random random_;
  std::vector<Listener> listeners_;  // by index of connection
  std::vector<Publisher> publishers_;
  std::vector<PublicationWindow> windows_;  // of each publisher of the run
  std::vector<std::size_t> listening_;      // how many listeners here hear each publisher
  std::vector<std::uint64_t> got_;          // the sum of what they got of it last
  std::size_t unreached_ = 0;               // listeners
  Phase phase_ = Phase::opening;
  Time next_probe_{};
  std::size_t deliveries_ = 0;  // of the event that is being read
  bool confirmed_more_ = false;
  GapWatch gaps_;
  Time finished_{};
};

}  // namespace wsd::bench
