// A worker's connections by id. Owned by the server, which alone adds and removes.
//
// A flat table of pointers with linear probing: 9 to 18 bytes for a connection. Goes through them in no order; nothing
// may be added or removed meanwhile.

#pragma once

#include <wsd/message.h>

#include <cstddef>
#include <memory>
#include <vector>

#include "worker/client_connection.h"

namespace wsd::worker {

class ConnectionTable {
  using Place = std::unique_ptr<ClientConnection>;

 public:
  class Iterator {
   public:
    Iterator(const Place* place, const Place* end) : place_(place), end_(end) { skip(); }
    ClientConnection& operator*() const { return **place_; }
    Iterator& operator++() {
      ++place_;
      skip();
      return *this;
    }
    bool operator==(const Iterator& other) const { return place_ == other.place_; }

   private:
    void skip() {
      while (place_ != end_ && *place_ == nullptr) ++place_;
    }

    const Place* place_;
    const Place* end_;
  };

  // Its id is not there yet.
  ClientConnection& add(std::unique_ptr<ClientConnection> connection);
  // Null if there is none.
  [[nodiscard]] ClientConnection* find(ConnectionId id) const;
  [[nodiscard]] ClientConnection& at(ConnectionId id) const;
  void erase(ConnectionId id);
  void clear();

  [[nodiscard]] std::size_t size() const { return size_; }
  // Those whose descriptor is not all there is to them.
  [[nodiscard]] std::size_t unmovable() const { return unmovable_; }
  [[nodiscard]] bool empty() const { return size_ == 0; }
  [[nodiscard]] Iterator begin() const { return {places_.data(), places_.data() + places_.size()}; }
  [[nodiscard]] Iterator end() const { return {places_.data() + places_.size(), places_.data() + places_.size()}; }

 private:
  static constexpr std::size_t none = ~std::size_t{0};

  [[nodiscard]] std::size_t home_of(ConnectionId id) const;
  [[nodiscard]] std::size_t after(std::size_t place) const { return (place + 1) & (places_.size() - 1); }
  [[nodiscard]] std::size_t place_of(ConnectionId id) const;
  void put(std::unique_ptr<ClientConnection> connection);
  void grow();

  std::vector<Place> places_;  // as many as a power of two, at most seven eighths of them taken
  std::size_t size_ = 0;
  std::size_t unmovable_ = 0;
};

}  // namespace wsd::worker
