#include "worker/handoff.h"

#include <poll.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <iterator>
#include <utility>

#include "protocol/assertion.h"
#include "protocol/record.h"
#include "worker/memory_file.h"

namespace wsd::worker {

namespace {

using protocol::number_of;
using protocol::RecordReader;
using protocol::RecordWriter;

// On the wire between releases: never reuse a number.
enum class Word : std::uint16_t {
  offer = 210,
  batch = 211,
  end = 212,
  accepted = 213,
  commit = 214,
  withdraw = 215,
  bus = 216
};
enum class Field : protocol::Tag {
  count = 1,
  offered_at_ns = 2,
  connection = 3,   // a connection record, of any kind; its socket is the next descriptor
  in_memory = 4,    // a connection record of this many bytes, in the next descriptor; its socket is the one after
  bus_records = 5,  // so many bytes, in the next descriptor; links may follow in further records
  links = 6,        // the rest of the descriptors are this many links
};

constexpr protocol::Tag tag(Field field) {
  return static_cast<protocol::Tag>(field);
}
RecordWriter word(Word which) {
  return RecordWriter(static_cast<std::uint16_t>(which));
}

// Half of what a record may hold, so that one more small connection always fits.
constexpr std::size_t full_batch_bytes = RecordSocket::max_record_size / 2;
constexpr std::size_t full_batch_descriptors = RecordSocket::max_descriptors - 2;
// Each is a descriptor of ours until the batch has left, and they must fit into those in reserve.
constexpr std::size_t full_batch_memory = 16;
// A connection with more to carry (half a message, a full send queue) goes by shared memory.
constexpr std::size_t bulky = 16 * 1024;

// `read` gets the memory's first `size` bytes and says whether they are good. False also if there are not so many.
template <typename Read>
bool read_memory(const FileDescriptor& memory, std::uint64_t size, Read&& read) {
  struct stat status {};
  if (::fstat(memory.get(), &status) != 0 || static_cast<std::uint64_t>(status.st_size) < size) return false;
  if (size == 0) return read(std::span<const std::byte>());
  void* const mapped = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, memory.get(), 0);
  if (mapped == MAP_FAILED) return false;
  const bool good = read(std::span(static_cast<const std::byte*>(mapped), size));
  ::munmap(mapped, size);
  return good;
}

}  // namespace

// ---- the old worker -------------------------------------------------------------------------------------------------

HandoffSender::HandoffSender(RecordSocket stream, std::size_t connections, std::chrono::milliseconds patience)
    : stream_(std::move(stream)), deadline_(std::chrono::steady_clock::now() + patience), batch_(word(Word::batch)) {
  RecordWriter offer = word(Word::offer);
  offer.add_number(tag(Field::count), connections);
  offer.add_number(tag(Field::offered_at_ns), uv_hrtime());
  send(offer.bytes());
}

void HandoffSender::add(const ConnectionState& state, int socket) {
  add_record(encode(state).bytes(), socket);
}

void HandoffSender::add(const ConnectionState& state, FileDescriptor socket) {
  const int descriptor = socket.get();
  batch_memory_.push_back(std::move(socket));
  add_record(encode(state).bytes(), descriptor);
}

void HandoffSender::add(const ApiConnectionState& state, int socket) {
  add_record(encode(state).bytes(), socket);
}

void HandoffSender::add(const ProxyGreetingState& state, int socket) {
  add_record(encode(state).bytes(), socket);
}

void HandoffSender::add_record(std::span<const std::byte> bytes, int socket) {
  if (bytes.size() >= bulky) {
    batch_memory_.push_back(make_memory_file("wsd-handoff", bytes));
    if (!batch_memory_.back()) return fail(std::string("no shared memory for a connection: ") + std::strerror(errno));
    batch_.add_number(tag(Field::in_memory), bytes.size());
    batch_descriptors_.push_back(batch_memory_.back().get());
  } else {
    batch_.add(tag(Field::connection), bytes);
  }
  batch_descriptors_.push_back(socket);
  if (batch_.bytes().size() >= full_batch_bytes || batch_descriptors_.size() >= full_batch_descriptors ||
      batch_memory_.size() >= full_batch_memory) {
    send_batch();
  }
}

void HandoffSender::send_batch() {
  if (batch_descriptors_.empty()) return;
  send(batch_.bytes(), batch_descriptors_);
  batch_ = word(Word::batch);
  batch_descriptors_.clear();
  batch_memory_.clear();
}

void HandoffSender::add_bus(std::span<const std::byte> records, std::span<const int> links) {
  send_batch();
  const FileDescriptor memory = make_memory_file("wsd-bus", records);
  if (!memory) return fail(std::string("no shared memory for the bus: ") + std::strerror(errno));
  RecordWriter first = word(Word::bus);
  first.add_number(tag(Field::bus_records), records.size());
  const int descriptor = memory.get();
  send(first.bytes(), std::span(&descriptor, 1));
  while (!links.empty()) {
    const auto some = links.first(std::min(links.size(), full_batch_descriptors));
    RecordWriter next = word(Word::bus);
    next.add_number(tag(Field::links), some.size());
    send(next.bytes(), some);
    links = links.subspan(some.size());
  }
}

bool HandoffSender::offer_accepted() {
  send_batch();
  send(word(Word::end).bytes());
  while (failure_.empty() && wait_for(POLLIN)) {
    const auto received = stream_.receive();
    if (received.status == RecordSocket::Status::would_block) continue;
    const auto answer = RecordReader::parse(received.bytes);
    if (answer && answer->type() == static_cast<std::uint16_t>(Word::accepted)) return true;
    fail("the new worker ended or declined before it had everything");
  }
  return false;
}

bool HandoffSender::commit() {
  send(word(Word::commit).bytes());
  return failure_.empty();
}

RecordSocket HandoffSender::withdraw() {
  const bool told = stream_.send(word(Word::withdraw).bytes()) != RecordSocket::Status::would_block;
  return told ? RecordSocket() : std::move(stream_);
}

void HandoffSender::send(std::span<const std::byte> record, std::span<const int> descriptors) {
  while (failure_.empty()) {
    const auto status = stream_.send(record, descriptors);
    if (status == RecordSocket::Status::done) return;
    if (status == RecordSocket::Status::ended) return fail("the new worker ended before it had everything");
    if (!wait_for(POLLOUT)) return;
  }
}

bool HandoffSender::wait_for(short events) {
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline_ - std::chrono::steady_clock::now());
  pollfd query{.fd = stream_.descriptor(), .events = events, .revents = 0};
  if (left.count() > 0 && ::poll(&query, 1, static_cast<int>(left.count())) != 0) return true;  // EINTR: look again
  fail("the new worker did not take the connections in time");
  return false;
}

void HandoffSender::fail(std::string reason) {
  if (failure_.empty()) failure_ = std::move(reason);
}

// ---- the new worker -------------------------------------------------------------------------------------------------

HandoffReceiver::HandoffReceiver(Loop& loop, RecordSocket stream, std::function<void(Outcome)> on_done)
    : stream_(std::move(stream)), on_done_(std::move(on_done)) {
  watcher_ = make_uv_handle<uv_poll_t>(
      [&](uv_poll_t* handle) { return uv_poll_init(loop.get(), handle, stream_.descriptor()); });
  WSD_ASSERT(watcher_ != nullptr);
  watcher_->data = this;
  uv_poll_start(watcher_.get(), UV_READABLE | UV_DISCONNECT,
                [](uv_poll_t* handle, int, int) { static_cast<HandoffReceiver*>(handle->data)->receive(); });
}

void HandoffReceiver::receive() {
  for (;;) {
    auto received = stream_.receive();
    if (received.status == RecordSocket::Status::would_block) return;
    const Next next = take(std::move(received));
    if (next == Next::committed) return finish(Result::committed);
    if (next == Next::orphaned) return finish(Result::orphaned);
    if (next == Next::off) return finish(Result::withdrawn);
  }
}

HandoffReceiver::Next HandoffReceiver::take(RecordSocket::Received received) {
  // It died. After `accepted` its connections are ours: nobody else has them.
  if (received.status == RecordSocket::Status::ended) return accepted_ ? Next::committed : Next::orphaned;
  const auto record = RecordReader::parse(received.bytes);
  if (received.status == RecordSocket::Status::failed || !record) return Next::off;
  switch (static_cast<Word>(record->type())) {
    case Word::offer:
      expected_ = record->number(tag(Field::count)).value_or(0);
      outcome_.offered_at_ns = record->number(tag(Field::offered_at_ns)).value_or(0);
      return Next::go_on;
    case Word::batch:
      return take_batch(*record, std::move(received.descriptors)) ? Next::go_on : Next::off;
    case Word::bus:
      return take_bus(*record, std::move(received.descriptors)) ? Next::go_on : Next::off;
    case Word::end:
      if (taken() != expected_) return Next::off;
      whole_ = true;
      accepted_ = stream_.send(word(Word::accepted).bytes()) == RecordSocket::Status::done;
      return Next::go_on;
    case Word::commit:
      return accepted_ ? Next::committed : Next::off;
    case Word::accepted:
    case Word::withdraw:
      return Next::off;
  }
  return Next::go_on;  // a word of a later release: skipped
}

bool HandoffReceiver::take_batch(const RecordReader& batch, std::vector<FileDescriptor> descriptors) {
  auto next = descriptors.begin();
  const auto take_descriptor = [&] { return next == descriptors.end() ? FileDescriptor() : std::move(*next++); };
  for (const auto& [field, value] : batch.fields()) {
    bool good = false;
    if (field == tag(Field::connection)) {
      good = take_connection(std::as_bytes(std::span(value)), take_descriptor());
    } else if (field == tag(Field::in_memory)) {
      const FileDescriptor memory = take_descriptor();
      FileDescriptor socket = take_descriptor();
      good = read_memory(memory, number_of(value).value_or(0),
                         [&](std::span<const std::byte> bytes) { return take_connection(bytes, std::move(socket)); });
    } else {
      continue;
    }
    if (!good) return false;
  }
  return true;
}

bool HandoffReceiver::take_connection(std::span<const std::byte> record, FileDescriptor socket) {
  if (!socket) return false;
  if (auto state = decode_connection(record)) {
    outcome_.connections.push_back({std::move(*state), std::move(socket)});
    return true;
  }
  if (auto state = decode_api_connection(record)) {
    outcome_.api_connections.push_back({std::move(*state), std::move(socket)});
    return true;
  }
  auto state = decode_proxy_greeting(record);
  if (state) outcome_.greetings.push_back({std::move(*state), std::move(socket)});
  return state.has_value();
}

std::size_t HandoffReceiver::taken() const {
  return outcome_.connections.size() + outcome_.api_connections.size() + outcome_.greetings.size();
}

bool HandoffReceiver::take_bus(const RecordReader& record, std::vector<FileDescriptor> descriptors) {
  if (const auto size = record.number(tag(Field::bus_records))) {
    return !descriptors.empty() && read_memory(descriptors.front(), *size, [this](std::span<const std::byte> bytes) {
      outcome_.bus.records.assign(bytes.begin(), bytes.end());
      return true;
    });
  }
  if (record.number(tag(Field::links)).value_or(0) != descriptors.size()) return false;
  std::ranges::move(descriptors, std::back_inserter(outcome_.bus.links));
  return true;
}

void HandoffReceiver::finish(Result result) {
  watcher_.reset();
  outcome_.result = result;
  if (result == Result::withdrawn || !whole_) {
    outcome_.connections.clear();
    outcome_.api_connections.clear();
    outcome_.greetings.clear();
    outcome_.bus = {};
  }
  // Both on the stack: the call may destroy this receiver.
  const auto on_done = std::move(on_done_);
  Outcome outcome = std::move(outcome_);
  on_done(std::move(outcome));
}

}  // namespace wsd::worker
