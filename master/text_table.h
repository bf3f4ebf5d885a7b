// Rows of cells, lined up in columns: the tables of `wsd status` and of the start's banner. A column's width is counted
// in characters (code points); terminals that draw some of them two wide are not accounted for.

#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace wsd::master {

class TextTable {
 public:
  enum class Align : std::uint8_t { left, right };
  struct Column {
    std::string heading;
    Align align = Align::left;
  };

  explicit TextTable(std::vector<Column> columns) : columns_(std::move(columns)) {}

  // As many cells as there are columns. Control characters in them are made printable.
  void add_row(std::vector<std::string> cells);

  // The lines: the headings, then the rows.
  [[nodiscard]] std::vector<std::string> lines() const;

 private:
  [[nodiscard]] std::string line(const std::vector<std::string>& cells, const std::vector<std::size_t>& widths) const;

  std::vector<Column> columns_;
  std::vector<std::vector<std::string>> rows_;
};

// The characters of UTF-8 text.
[[nodiscard]] std::size_t count_characters(std::string_view text);

}  // namespace wsd::master
