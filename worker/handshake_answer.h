// What an application said to an opening handshake: the wsd::Handshake it is given, and what became of it.
//
// Lives on the stack for the length of the callback.

#pragma once

#include <wsd/handshake.h>

#include <optional>
#include <string>
#include <utility>

#include "protocol/http_request.h"
#include "protocol/http_response.h"
#include "worker/attributes.h"
#include "worker/header_list.h"

namespace wsd::worker {

class HandshakeAnswer final : public Handshake {
 public:
  // `request` outlives the answer.
  explicit HandshakeAnswer(const protocol::HttpRequest& request) : request_(request) {}

  void refuse(std::uint16_t status, std::string_view body) override;
  [[nodiscard]] std::vector<std::string_view> offered_subprotocols() const override;
  void select_subprotocol(std::string_view name) override;
  void add_header(std::string_view name, std::string_view value) override { headers_.add(name, value); }
  void set(std::string_view name, std::string_view value) override { attributes_.set(name, value); }

  // Selects `name`, or for "*" the first that is offered, unless the application has selected one or it is not offered.
  void select_by_default(std::string_view name);
  // The answer instead of 101, if there is to be one.
  [[nodiscard]] std::optional<protocol::HttpResponse> refusal() const;
  // `extensions`: those agreed on; empty for none.
  [[nodiscard]] std::string switching_protocols(std::string_view extensions) const;
  // Of the connection to come, its subprotocol among them. Once, and last.
  [[nodiscard]] Attributes take_attributes() { return std::move(attributes_); }

 private:
  const protocol::HttpRequest& request_;
  std::uint16_t refused_with_ = 0;
  std::string refusal_body_;
  HeaderList headers_;
  Attributes attributes_;
};

}  // namespace wsd::worker
