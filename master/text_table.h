// Rows of cells, lined up in columns: the tables of `wsd status` and of the start's banner. A column's width is counted
// in characters (code points); terminals that draw some of them two wide are not accounted for.

#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace wsd::master {

inline constexpr std::size_t any_width = static_cast<std::size_t>(-1);  // of what is no terminal

class TextTable {
 public:
  enum class Align : std::uint8_t { left, right };
  struct Column {
    std::string heading;
    Align align = Align::left;
    unsigned spare = 0;  // the larger, the earlier fit() leaves it out; 0: never
  };

  explicit TextTable(std::vector<Column> columns) : columns_(std::move(columns)) {}

  // As many cells as there are columns. Control characters in them are made printable.
  void add_row(std::vector<std::string> cells);

  // Leaves out columns that can be spared until lines() have at most so many characters, or none is left that can.
  // Returns the headings of those.
  std::vector<std::string> fit(std::size_t characters);

  // The lines: the headings, then the rows.
  [[nodiscard]] std::vector<std::string> lines() const;

 private:
  [[nodiscard]] std::vector<std::size_t> widths() const;
  [[nodiscard]] std::string line(const std::vector<std::string>& cells, const std::vector<std::size_t>& widths) const;

  std::vector<Column> columns_;
  std::vector<std::vector<std::string>> rows_;
};

// What fit() has left out, in words: a line or two, each with its end.
[[nodiscard]] std::string left_out_text(const std::vector<std::string>& headings);

// The characters of UTF-8 text.
[[nodiscard]] std::size_t count_characters(std::string_view text);

}  // namespace wsd::master
