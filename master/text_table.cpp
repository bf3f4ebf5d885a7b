#include "master/text_table.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <utility>

#include "protocol/assertion.h"
#include "protocol/printable_text.h"
#include "protocol/wrapped_text.h"

namespace wsd::master {

namespace {

constexpr std::string_view gap = "  ";

}  // namespace

void TextTable::add_row(std::vector<std::string> cells) {
  WSD_ASSERT(cells.size() == columns_.size());
  for (std::string& cell : cells) cell = protocol::printable(cell);
  rows_.push_back(std::move(cells));
}

std::vector<std::string> TextTable::fit(std::size_t characters) {
  std::vector<std::string> left_out;
  std::vector<std::size_t> widths = this->widths();
  std::size_t width = gap.size() * (widths.size() - 1);
  for (const std::size_t column_width : widths) width += column_width;
  while (width > characters) {
    const auto column = std::ranges::max_element(columns_, {}, &Column::spare);
    if (column->spare == 0) break;
    const auto index = column - columns_.begin();
    width -= widths[static_cast<std::size_t>(index)] + gap.size();
    left_out.push_back(column->heading);
    widths.erase(widths.begin() + index);
    columns_.erase(column);
    for (auto& row : rows_) row.erase(row.begin() + index);
  }
  return left_out;
}

std::vector<std::string> TextTable::lines() const {
  const std::vector<std::size_t> widths = this->widths();
  std::vector<std::string> headings;
  for (const Column& column : columns_) headings.push_back(column.heading);
  std::vector<std::string> result{line(headings, widths)};
  for (const auto& row : rows_) result.push_back(line(row, widths));
  return result;
}

std::vector<std::size_t> TextTable::widths() const {
  std::vector<std::size_t> widths;
  for (const Column& column : columns_) widths.push_back(count_characters(column.heading));
  for (const auto& cells : rows_) {
    for (std::size_t i = 0; i < cells.size(); ++i) widths[i] = std::max(widths[i], count_characters(cells[i]));
  }
  return widths;
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

std::string left_out_text(const std::vector<std::string>& headings) {
  return protocol::wrapped(fmt::format("left out for want of room: {}", fmt::join(headings, ", ")), 80) + '\n';
}

std::size_t count_characters(std::string_view text) {
  const auto starts_character = [](char byte) { return (static_cast<unsigned char>(byte) & 0xC0U) != 0x80; };
  return static_cast<std::size_t>(std::ranges::count_if(text, starts_character));
}

}  // namespace wsd::master
