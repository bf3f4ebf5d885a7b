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
