#include "protocol/http_head.h"

#include <llhttp.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <new>
#include <utility>

#include "protocol/assertion.h"
#include "protocol/http_syntax.h"

namespace wsd::protocol {

// Writes down where llhttp finds things. llhttp sees the block's own copy of the head, whole and once.
class HttpRequestBuilder {
 public:
  HttpRequestBuilder(std::span<const std::byte> head, std::size_t header_count);

  // Nullptr, or what llhttp has against the head.
  const char* parse();
  HttpRequest take() { return HttpRequest(std::move(block_)); }

 private:
  static HttpRequestBuilder& of(llhttp_t* parser) { return *static_cast<HttpRequestBuilder*>(parser->data); }
  static const llhttp_settings_t& settings();

  [[nodiscard]] bool handle_name(std::string_view name);
  std::uint16_t offset_of(std::string_view text) const;

  std::unique_ptr<std::byte[]> block_;
  HttpRequest::Layout* layout_;
  HttpRequest::Line* lines_;
  char* head_;
  std::size_t header_capacity_;
  bool complete_ = false;
};

HttpRequestBuilder::HttpRequestBuilder(std::span<const std::byte> head, std::size_t header_count)
    : header_capacity_(header_count) {
  const std::size_t lines_size = header_count * sizeof(HttpRequest::Line);
  block_.reset(new std::byte[sizeof(HttpRequest::Layout) + lines_size + head.size()]);
  layout_ = new (block_.get()) HttpRequest::Layout{};
  lines_ = reinterpret_cast<HttpRequest::Line*>(block_.get() + sizeof(HttpRequest::Layout));
  head_ = reinterpret_cast<char*>(lines_ + header_count);
  std::ranges::copy(head, reinterpret_cast<std::byte*>(head_));
  layout_->head_size = static_cast<std::uint16_t>(head.size());
}

const llhttp_settings_t& HttpRequestBuilder::settings() {
  static const llhttp_settings_t settings = [] {
    llhttp_settings_t callbacks;
    llhttp_settings_init(&callbacks);
    callbacks.on_header_field = [](llhttp_t* parser, const char* at, std::size_t size) {
      return of(parser).handle_name({at, size}) ? 0 : -1;
    };
    // The pause ends llhttp's work here, before it looks for a body.
    callbacks.on_headers_complete = [](llhttp_t* parser) {
      of(parser).complete_ = true;
      return static_cast<int>(HPE_PAUSED);
    };
    return callbacks;
  }();
  return settings;
}

const char* HttpRequestBuilder::parse() {
  llhttp_t parser;
  llhttp_init(&parser, HTTP_REQUEST, &settings());
  parser.data = this;
  const auto outcome = llhttp_execute(&parser, head_, layout_->head_size);
  // A head in which llhttp and our scanner see different lines is the very thing to refuse.
  if (complete_ && layout_->header_count == header_capacity_) return nullptr;
  if (complete_ || outcome == HPE_OK) return "Ambiguous header lines";
  return llhttp_get_error_reason(&parser);
}

std::uint16_t HttpRequestBuilder::offset_of(std::string_view text) const {
  return static_cast<std::uint16_t>(text.data() - head_);
}

bool HttpRequestBuilder::handle_name(std::string_view name) {
  if (layout_->header_count == header_capacity_) return false;
  lines_[layout_->header_count++] = offset_of(name);
  return true;
}

ParsedHead parse_head(std::span<const std::byte> head, std::size_t header_count) {
  WSD_ASSERT(head.size() <= 0xFFFF);
  HttpRequestBuilder builder(head, header_count);
  if (const char* refusal = builder.parse()) return {HttpRequest{}, refusal};
  return {builder.take(), {}};
}

}  // namespace wsd::protocol
