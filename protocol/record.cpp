#include "protocol/record.h"

#include <cstring>

namespace wsd::protocol {

namespace {

template <typename T>
std::optional<T> take(std::span<const std::byte>& bytes) {
  T value;
  if (bytes.size() < sizeof(value)) return std::nullopt;
  std::memcpy(&value, bytes.data(), sizeof(value));
  bytes = bytes.subspan(sizeof(value));
  return value;
}

std::optional<RecordField> take_field(std::span<const std::byte>& bytes) {
  const auto tag = take<Tag>(bytes);
  const auto length = take<std::uint32_t>(bytes);
  if (!tag || !length || *length > bytes.size()) return std::nullopt;
  const RecordField field{*tag, {reinterpret_cast<const char*>(bytes.data()), *length}};
  bytes = bytes.subspan(*length);
  return field;
}

}  // namespace

RecordWriter::RecordWriter(std::uint16_t type) {
  append(&type, sizeof(type));
}

RecordWriter& RecordWriter::add(Tag tag, std::string_view bytes) {
  const auto length = static_cast<std::uint32_t>(bytes.size());
  append(&tag, sizeof(tag));
  append(&length, sizeof(length));
  append(bytes.data(), bytes.size());
  return *this;
}

RecordWriter& RecordWriter::add(Tag tag, std::span<const std::byte> bytes) {
  return add(tag, std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
}

RecordWriter& RecordWriter::add_number(Tag tag, std::uint64_t number) {
  return add(tag, std::as_bytes(std::span(&number, 1)));
}

void RecordWriter::append(const void* data, std::size_t size) {
  const auto* begin = static_cast<const std::byte*>(data);
  bytes_.insert(bytes_.end(), begin, begin + size);
}

std::optional<RecordReader> RecordReader::parse(std::span<const std::byte> bytes) {
  auto fields = bytes;
  const auto type = take<std::uint16_t>(fields);
  if (!type) return std::nullopt;
  for (auto rest = fields; !rest.empty();) {
    if (!take_field(rest)) return std::nullopt;
  }
  return RecordReader(bytes, *type, fields);
}

std::vector<RecordField> RecordReader::fields() const {
  std::vector<RecordField> fields;
  for (auto rest = fields_; !rest.empty();) fields.push_back(*take_field(rest));
  return fields;
}

std::optional<std::string_view> RecordReader::find(Tag tag) const {
  for (auto rest = fields_; !rest.empty();) {
    const auto field = take_field(rest);
    if (field->tag == tag) return field->value;
  }
  return std::nullopt;
}

std::vector<std::string_view> RecordReader::find_all(Tag tag) const {
  std::vector<std::string_view> values;
  for (auto rest = fields_; !rest.empty();) {
    const auto field = take_field(rest);
    if (field->tag == tag) values.push_back(field->value);
  }
  return values;
}

std::optional<std::uint64_t> RecordReader::number(Tag tag) const {
  const auto field = find(tag);
  return field ? number_of(*field) : std::nullopt;
}

std::optional<std::uint64_t> number_of(std::string_view value) {
  std::uint64_t number = 0;
  if (value.size() != sizeof(number)) return std::nullopt;
  std::memcpy(&number, value.data(), sizeof(number));
  return number;
}

}  // namespace wsd::protocol
