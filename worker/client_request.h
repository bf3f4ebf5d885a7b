// A connection's opening request with the address it came from: what applications see as wsd::Request.

#pragma once

#include <wsd/request.h>

#include <string_view>
#include <utility>

#include "protocol/http_request.h"
#include "worker/short_text.h"

namespace wsd::worker {

class ClientRequest final : public Request {
 public:
  explicit ClientRequest(std::string_view remote_address) : remote_address_(remote_address) {}

  void set_head(protocol::HttpRequest head) { head_ = std::move(head); }
  void set_remote_address(std::string_view address) { remote_address_ = ShortText(address); }
  [[nodiscard]] const protocol::HttpRequest& head() const { return head_; }

  [[nodiscard]] std::string_view method() const override { return head_.empty() ? std::string_view() : head_.method(); }
  [[nodiscard]] std::string_view path() const override { return head_.empty() ? std::string_view() : head_.path(); }
  [[nodiscard]] std::string_view query() const override { return head_.empty() ? std::string_view() : head_.query(); }
  [[nodiscard]] std::string_view header(std::string_view name) const override {
    return head_.empty() ? std::string_view() : head_.header(name).value_or(std::string_view());
  }
  [[nodiscard]] std::string_view body() const override { return {}; }
  [[nodiscard]] std::string_view remote_address() const override { return remote_address_.view(); }

 private:
  protocol::HttpRequest head_;
  ShortText remote_address_;
};

}  // namespace wsd::worker
