#include "worker/connection_deflate.h"

namespace wsd::worker {

using protocol::ContextTakeover;

ConnectionDeflate::ConnectionDeflate(const protocol::DeflateParameters& parameters, Compression& shared,
                                     protocol::Session& session)
    : parameters_(parameters) {
  if (parameters.client_takeover == ContextTakeover::no) {
    session.use_inflater(shared.inflater());
    return;
  }
  own().inflater = shared.make_inflater(parameters.client_window_bits);
  session.use_inflater(*own().inflater);
}

void ConnectionDeflate::skip_shared_message() {
  if (own_ != nullptr && own_->deflater != nullptr) own_->deflater->start_afresh();
}

// zconf.h has the formulas. What the memory level adds is not counted.
std::size_t ConnectionDeflate::own_memory() const {
  if (own_ == nullptr) return 0;
  const std::size_t inflater = own_->inflater != nullptr ? std::size_t{1} << parameters_.client_window_bits : 0;
  const std::size_t deflater = own_->deflater != nullptr ? std::size_t{4} << parameters_.server_window_bits : 0;
  return inflater + deflater;
}

std::vector<std::byte> ConnectionDeflate::inflate_window() const {
  const bool has_own = own_ != nullptr && own_->inflater != nullptr;
  return has_own ? own_->inflater->window() : std::vector<std::byte>();
}

void ConnectionDeflate::restore_inflate_window(std::span<const std::byte> window) {
  if (own_ != nullptr && own_->inflater != nullptr) own_->inflater->restore_window(window);
}

protocol::Deflater& ConnectionDeflate::deflater(Compression& shared, std::size_t size) {
  const std::uint8_t window_bits = parameters_.server_window_bits;
  if (!takes_over()) return shared.deflater(window_bits, size);
  if (own().deflater == nullptr) own().deflater = shared.make_deflater(window_bits);
  return *own().deflater;
}

ConnectionDeflate::OwnStreams& ConnectionDeflate::own() {
  if (own_ == nullptr) own_ = std::make_unique<OwnStreams>();
  return *own_;
}

}  // namespace wsd::worker
