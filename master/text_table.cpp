#include "master/text_table.h"

#include <algorithm>
#include <utility>

#include "protocol/assertion.h"
#include "protocol/printable_text.h"

namespace wsd::master {

namespace {

constexpr std::string_view gap = "  ";

}  // namespace

void TextTable::add_row(std::vector<std::string> cells) {
  WSD_ASSERT(cells.size() == columns_.size());
  for (std::string& cell : cells) cell = protocol::printable(cell);
  rows_.push_back(std::move(cells));
}

std::vector<std::string> TextTable::lines() const {
  std::vector<std::string> headings;
  for (const Column& column : columns_) headings.push_back(column.heading);
  std::vector<std::size_t> widths(columns_.size());
  const auto widen = [&widths](const std::vector<std::string>& cells) {
    for (std::size_t i = 0; i < cells.size(); ++i) widths[i] = std::max(widths[i], count_characters(cells[i]));
  };
  widen(headings);
  std::ranges::for_each(rows_, widen);

  std::vector<std::string> result{line(headings, widths)};
  for (const auto& row : rows_) result.push_back(line(row, widths));
  return result;
}

std::string TextTable::line(const std::vector<std::string>& cells, const std::vector<std::size_t>& widths) const {
  std::string result;
  for (std::size_t i = 0; i < cells.size(); ++i) {
    const std::string padding(widths[i] - count_characters(cells[i]), ' ');
    if (i > 0) result += gap;
    result += columns_[i].align == Align::left ? cells[i] + padding : padding + cells[i];
  }
  result.erase(result.find_last_not_of(' ') + 1);
  return result;
}

std::size_t count_characters(std::string_view text) {
  const auto starts_character = [](char byte) { return (static_cast<unsigned char>(byte) & 0xC0U) != 0x80; };
  return static_cast<std::size_t>(std::ranges::count_if(text, starts_character));
}

}  // namespace wsd::master
