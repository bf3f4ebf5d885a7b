#include "worker/address_tables.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <new>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>

#include "protocol/assertion.h"
#include "protocol/ip_address.h"
#include "worker/sip_hash.h"

namespace wsd::worker {

namespace {

// How many entries behind its own an address may be in.
constexpr std::size_t probes = 32;
constexpr std::size_t min_entries = 4096;
constexpr std::size_t max_entries = std::size_t{1} << 20U;
constexpr std::size_t page_size = 4096;
constexpr unsigned ipv6_network_bits = 64;
constexpr std::uint64_t second_ns = 1'000'000'000;

constexpr std::size_t whole_pages(std::size_t size) {
  return (size + page_size - 1) / page_size * page_size;
}

[[noreturn]] void fail() {
  throw std::system_error(errno, std::generic_category(), "no shared memory for limits per address");
}

void* map_memory(const FileDescriptor& memory, std::size_t size) {
  void* const mapped = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, memory.get(), 0);
  if (mapped == MAP_FAILED) fail();
  ::madvise(mapped, size, MADV_DONTDUMP);  // a core file would have all of it, used or not
  return mapped;
}

}  // namespace

struct AddressTables::Header {
  std::uint32_t layout_version = version;
  std::uint32_t row_count = rows;
  std::uint64_t entries = 0;  // of each table: a power of two
  SipKey secret{};
  Counter rows_in_use;  // rows behind this have never been used
};

// One process's connections of one address. Its key stays until another address needs the place, which has none any
// more: so what lies behind it is still found.
struct AddressTables::Entry {
  Counter key;
  Counter connections;
};

struct AddressTables::RateEntry {
  std::atomic<AddressKey> key{0};
  // When the bucket of each rate is full again, on CLOCK_MONOTONIC.
  std::array<std::atomic<std::uint64_t>, 2> full_at_ns{};
};

namespace {

constexpr std::size_t header_size = page_size;

template <typename Entry>
constexpr std::size_t table_size(std::size_t entries) {
  return whole_pages(entries * sizeof(Entry));
}

}  // namespace

AddressTables AddressTables::create(std::size_t connections) {
  const std::size_t entries = std::bit_ceil(std::clamp(2 * connections, min_entries, max_entries));
  const std::size_t size = header_size + table_size<RateEntry>(entries) + rows * table_size<Entry>(entries);
  FileDescriptor memory(::memfd_create("wsd-addresses", MFD_CLOEXEC));
  if (!memory || ::ftruncate(memory.get(), static_cast<off_t>(size)) != 0) fail();
  auto* const header = new (map_memory(memory, size)) Header;
  header->entries = entries;
  if (::getrandom(header->secret.data(), sizeof(header->secret), 0) != sizeof(header->secret)) fail();
  return {std::move(memory), header, size};
}

AddressTables AddressTables::map(FileDescriptor memory) {
  struct stat status {};
  if (::fstat(memory.get(), &status) != 0) fail();
  const auto size = static_cast<std::size_t>(status.st_size);
  if (size < header_size) throw std::runtime_error("the limits per address have another layout than this version's");
  auto* const header = static_cast<Header*>(map_memory(memory, size));
  const std::size_t expected =
      header_size + table_size<RateEntry>(header->entries) + rows * table_size<Entry>(header->entries);
  if (header->layout_version != version || header->row_count != rows || size != expected) {
    ::munmap(header, size);
    throw std::runtime_error("the limits per address have another layout than this version's");
  }
  return {std::move(memory), header, size};
}

AddressTables::AddressTables(AddressTables&& other) noexcept
    : memory_(std::move(other.memory_)), header_(std::exchange(other.header_, nullptr)), size_(other.size_) {}

AddressTables::~AddressTables() {
  if (header_ != nullptr) ::munmap(header_, size_);
}

AddressTables::RateEntry* AddressTables::rate_table() const {
  return reinterpret_cast<RateEntry*>(reinterpret_cast<std::byte*>(header_) + header_size);
}

// Fresh memory is zeros, which is what an entry begins as.
AddressTables::Entry* AddressTables::table(std::size_t row) const {
  WSD_ASSERT(row < rows);
  const std::size_t entries = header_->entries;
  return reinterpret_cast<Entry*>(reinterpret_cast<std::byte*>(header_) + header_size + table_size<RateEntry>(entries) +
                                  row * table_size<Entry>(entries));
}

std::optional<AddressKey> AddressTables::key_of(std::string_view text) const {
  auto address = protocol::IpAddress::parse(text);
  if (!address) return std::nullopt;
  if (!address->is_ipv4()) address = address->first_bits(ipv6_network_bits);
  const AddressKey key = sip_hash(header_->secret, std::as_bytes(std::span(&*address, 1)));
  return key == 0 ? 1 : key;
}

std::uint64_t AddressTables::connections(AddressKey key) const {
  const std::size_t mask = header_->entries - 1;
  std::uint64_t sum = 0;
  const std::size_t used = std::min<std::size_t>(header_->rows_in_use.get(), rows);
  for (std::size_t row = 0; row < used; ++row) {
    const Entry* const entries = table(row);
    for (std::size_t i = 0; i < probes; ++i) {
      const Entry& entry = entries[(key + i) & mask];
      const AddressKey there = entry.key.get();
      if (there == key) sum += entry.connections.get();
      if (there == key || there == 0) break;
    }
  }
  return sum;
}

bool AddressTables::add(std::size_t row, AddressKey key) {
  const std::size_t mask = header_->entries - 1;
  Entry* const entries = table(row);
  Entry* place = nullptr;
  for (std::size_t i = 0; i < probes; ++i) {
    Entry& entry = entries[(key + i) & mask];
    const AddressKey there = entry.key.get();
    if (there == key) {
      entry.connections.add(1);
      return true;
    }
    if (place == nullptr && entry.connections.get() == 0) place = &entry;
    if (there == 0) break;
  }
  if (place == nullptr) return false;
  place->key.set(key);
  place->connections.set(1);
  return true;
}

void AddressTables::remove(std::size_t row, AddressKey key) {
  const std::size_t mask = header_->entries - 1;
  Entry* const entries = table(row);
  for (std::size_t i = 0; i < probes; ++i) {
    Entry& entry = entries[(key + i) & mask];
    if (entry.key.get() != key) continue;
    WSD_ASSERT(entry.connections.get() > 0);
    return entry.connections.set(entry.connections.get() - 1);
  }
}

// Its own, or one whose buckets are all full: whoever that belonged to loses nothing.
AddressTables::RateEntry* AddressTables::rate_entry(AddressKey key, std::uint64_t now_ns) {
  const std::size_t mask = header_->entries - 1;
  RateEntry* const entries = rate_table();
  RateEntry* place = nullptr;
  const auto is_idle = [now_ns](const RateEntry& entry) {
    return std::ranges::all_of(entry.full_at_ns,
                               [now_ns](const auto& full_at_ns) { return full_at_ns.load() <= now_ns; });
  };
  for (std::size_t i = 0; i < probes; ++i) {
    RateEntry& entry = entries[(key + i) & mask];
    const AddressKey there = entry.key.load();
    if (there == key) return &entry;
    if (place == nullptr && (there == 0 || is_idle(entry))) place = &entry;
    if (there == 0) break;
  }
  if (place == nullptr) return nullptr;
  AddressKey before = place->key.load();
  // Another process may have been faster: with this address, or with another, and then that one's buckets are shared
  // for a moment.
  return before == key || place->key.compare_exchange_strong(before, key) || before == key ? place : nullptr;
}

bool AddressTables::take(Rate rate, AddressKey key, std::uint32_t per_second, std::uint64_t now_ns) {
  RateEntry* const entry = rate_entry(key, now_ns);
  if (entry == nullptr) return true;
  auto& full_at_ns = entry->full_at_ns[static_cast<std::size_t>(rate)];
  const std::uint64_t cost_ns = second_ns / per_second;
  std::uint64_t before = full_at_ns.load();
  for (;;) {
    const std::uint64_t after = std::max(before, now_ns) + cost_ns;
    if (after > now_ns + second_ns) return false;
    if (full_at_ns.compare_exchange_weak(before, after)) return true;
  }
}

void AddressTables::open_row(std::size_t row) {
  header_->rows_in_use.set(std::max<std::uint64_t>(header_->rows_in_use.get(), row + 1));
}

void AddressTables::clear_row(std::size_t row) {
  const auto offset = reinterpret_cast<std::byte*>(table(row)) - reinterpret_cast<std::byte*>(header_);
  const std::size_t size = table_size<Entry>(header_->entries);
  if (::fallocate(memory_.get(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, offset, static_cast<off_t>(size)) == 0)
    return;
  std::fill_n(reinterpret_cast<std::byte*>(table(row)), size, std::byte{0});
}

}  // namespace wsd::worker
