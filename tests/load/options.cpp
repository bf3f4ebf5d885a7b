#include "tests/load/options.h"

#include <getopt.h>

#include <cstdio>
#include <cstdlib>
#include <stdexcept>
#include <string_view>

namespace wsd::load {
namespace {

constexpr const char* usage = R"(usage: load_client [options] ws[s]://IPV4:PORT/PATH
Proves that each message is answered once, in order, by ever newer code: an answer is PREFIX, a number that never falls, a
blank and the message. Fragments, halves of frames, 512 KiB, slow readers, handshakes.
  --connections N   connections to open (50)
  --pipeline K      messages in flight on each, at most (1)
  --prefix TEXT     what the server puts before each answer ("hello ")
  --duration S      seconds to go on, without --go (5)
  --rate R          messages a second on all connections together (5 for each)
  --plain           whole small messages at a steady pace, and nothing else
  --go              print "ready" to standard error once all connections are open, and go on until there is a line on
                    standard input
Prints one line of JSON. Ends with 0 if every answer was right, 1 if not, 2 if the command line was not.
)";

double number(const char* text) {
  char* end = nullptr;
  const double value = std::strtod(text, &end);
  if (end == text || *end != '\0' || value < 0) throw std::invalid_argument(std::string("not a number: ") + text);
  return value;
}

std::size_t count(const char* text) {
  return static_cast<std::size_t>(number(text));
}

void parse_url(std::string_view url, Options& options) {
  options.is_secure = url.starts_with("wss://");
  const std::string_view scheme = options.is_secure ? "wss://" : "ws://";
  const auto slash = url.find('/', scheme.size());
  const auto colon = url.rfind(':', slash);
  if (!url.starts_with(scheme) || colon == std::string_view::npos || colon <= scheme.size()) {
    throw std::invalid_argument("not a ws[s]://IPV4:PORT/PATH: " + std::string(url));
  }
  options.host = url.substr(scheme.size(), colon - scheme.size());
  options.port = static_cast<std::uint16_t>(count(std::string(url.substr(colon + 1, slash - colon - 1)).c_str()));
  options.path = slash == std::string_view::npos ? "/" : url.substr(slash);
}

enum Choice : int { connections, pipeline, prefix, duration, rate, plain, go, help };

constexpr option choices[] = {{"connections", required_argument, nullptr, connections},
                              {"pipeline", required_argument, nullptr, pipeline},
                              {"prefix", required_argument, nullptr, prefix},
                              {"duration", required_argument, nullptr, duration},
                              {"rate", required_argument, nullptr, rate},
                              {"plain", no_argument, nullptr, plain},
                              {"go", no_argument, nullptr, go},
                              {"help", no_argument, nullptr, help},
                              {nullptr, 0, nullptr, 0}};

void apply(int choice, Options& options) {
  switch (choice) {
    case connections:
      options.connections = count(optarg);
      break;
    case pipeline:
      options.pipeline = count(optarg);
      break;
    case prefix:
      options.prefix = optarg;
      break;
    case duration:
      options.duration = std::chrono::duration<double>(number(optarg));
      break;
    case rate:
      options.rate = number(optarg);
      break;
    case plain:
      options.is_plain = true;
      break;
    case go:
      options.waits_for_go = true;
      break;
    default:
      throw std::invalid_argument("see the options");
  }
}

}  // namespace

std::optional<Options> parse_options(int argc, char** argv) {
  Options options;
  try {
    for (int choice = 0; (choice = ::getopt_long(argc, argv, "", choices, nullptr)) != -1;) apply(choice, options);
    if (optind + 1 != argc) throw std::invalid_argument("exactly one URL is needed");
    parse_url(argv[optind], options);
    if (options.connections == 0 || options.pipeline == 0) throw std::invalid_argument("N and K start at 1");
    return options;
  } catch (const std::invalid_argument& error) {
    std::fprintf(stderr, "load_client: %s\n%s", error.what(), usage);
    return std::nullopt;
  }
}

}  // namespace wsd::load
