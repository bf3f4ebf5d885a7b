// What `wsd connections` shows. Pure: from rows to text.

#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "master/text_table.h"
#include "worker/connection_row.h"

namespace wsd::master {

[[nodiscard]] std::vector<std::string> connection_columns();

// What is wrong with the name of a column to sort by, or nothing.
[[nodiscard]] std::optional<std::string> problem_with_column(std::string_view column);

// Numbers begin with the largest, as one looks for them; everything else with the first by name. Rows that are alike
// are in the order of their ids.
void sort_connections(std::vector<worker::ConnectionRow>& rows, std::string_view column);

struct TableView {
  std::size_t limit = 0;            // the first so many of the rows; 0: all
  std::string_view sorted_by = {};  // a column that is not left out
  std::size_t columns = any_width;  // what can be spared is left out, and named, where lines are longer
};

// `missing`: workers that did not answer.
[[nodiscard]] std::string connections_table(const std::vector<worker::ConnectionRow>& rows, const TableView& view,
                                            const std::vector<unsigned>& missing);
// The first `limit` of the rows; 0: all.
[[nodiscard]] std::string connections_json(const std::vector<worker::ConnectionRow>& rows, std::size_t limit,
                                           const std::vector<unsigned>& missing);

}  // namespace wsd::master
