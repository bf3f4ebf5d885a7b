#include "protocol/http_error.h"

#include <algorithm>

#include "protocol/http_syntax.h"

namespace wsd::protocol {
namespace {

void append_header(std::string& response, std::string_view name, std::string_view value) {
  response.append(name).append(": ").append(value).append("\r\n");
}

}  // namespace

std::string_view reason_phrase(std::uint16_t status) {
  switch (status) {
    case 200:
      return "OK";
    case 201:
      return "Created";
    case 202:
      return "Accepted";
    case 204:
      return "No Content";
    case 301:
      return "Moved Permanently";
    case 302:
      return "Found";
    case 303:
      return "See Other";
    case 304:
      return "Not Modified";
    case 307:
      return "Temporary Redirect";
    case 308:
      return "Permanent Redirect";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 408:
      return "Request Timeout";
    case 409:
      return "Conflict";
    case 410:
      return "Gone";
    case 411:
      return "Length Required";
    case 413:
      return "Content Too Large";
    case 415:
      return "Unsupported Media Type";
    case 422:
      return "Unprocessable Content";
    case 426:
      return "Upgrade Required";
    case 429:
      return "Too Many Requests";
    case 431:
      return "Request Header Fields Too Large";
    case 500:
      return "Internal Server Error";
    case 501:
      return "Not Implemented";
    case 502:
      return "Bad Gateway";
    case 503:
      return "Service Unavailable";
    case 505:
      return "HTTP Version Not Supported";
    default:
      return "Error";
  }
}

std::string serialize(const HttpError& error) {
  const std::string body = error.text + "\n";
  std::string response = "HTTP/1.1 " + std::to_string(error.status) + " ";
  response.append(reason_phrase(error.status)).append("\r\n");
  append_header(response, "Content-Type", "text/plain; charset=utf-8");
  append_header(response, "Content-Length", std::to_string(body.size()));
  // RFC 9110 §7.8: an Upgrade header is named in Connection.
  const bool upgrade = std::ranges::any_of(
      error.headers, [](const HttpHeader& header) { return equal_ignoring_case(header.name, "Upgrade"); });
  append_header(response, "Connection", upgrade ? "close, Upgrade" : "close");
  for (const HttpHeader& header : error.headers) append_header(response, header.name, header.value);
  return response.append("\r\n").append(body);
}

}  // namespace wsd::protocol
