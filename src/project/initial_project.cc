// SPDX-License-Identifier: Apache-2.0

#include "weir/project/initial_project.h"

#include <fmt/format.h>

namespace weir {

namespace {

constexpr std::string_view kWeirToml = R"([project]
name = {}
warehouse = "warehouse"       # a folder of this project, or a URL such as "s3://bucket/path"

[profiles.default]
deterministic = true          # results never depend on the number of threads
# memory_limit = "4GB"
# threads = 4
)";

constexpr std::string_view kSource = R"(CREATE EXTERNAL TABLE orders (
  order_id BIGINT NOT NULL,
  ordered_on DATE,
  customer VARCHAR,
  amount DECIMAL(10, 2)
)
STORED AS CSV
LOCATION 'data/orders.csv'
OPTIONS ('has_header' 'true');
)";

constexpr std::string_view kData = R"(order_id,ordered_on,customer,amount
1,2024-05-01,ada,120.00
2,2024-05-01,grace,80.50
3,2024-05-02,ada,15.25
4,2024-05-03,edsger,60.00
5,2024-05-03,grace,
)";

constexpr std::string_view kPaidOrders =
    R"(-- Inlined into the views that use it: nothing is stored.
CREATE VIEW paid_orders AS
SELECT order_id, ordered_on, customer, amount
FROM orders
WHERE amount IS NOT NULL;
)";

constexpr std::string_view kCustomerTotals =
    R"(-- A plain query is stored as a Delta table with the name of its file.
SELECT customer, count(*) AS orders, sum(amount) AS total
FROM paid_orders
GROUP BY customer
)";

constexpr std::string_view kTest = R"(-- A test passes if its query returns no row.
SELECT customer, total
FROM customer_totals
WHERE total <= 0
)";

/// A basic string of TOML.
std::string TomlString(std::string_view text) {
  std::string quoted = "\"";
  for (char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      quoted += '\\';
      quoted += c;
    } else if (byte < 0x20 || byte == 0x7F) {
      quoted += fmt::format("\\u{:04X}", byte);
    } else {
      quoted += c;
    }
  }
  return quoted + '"';
}

}  // namespace

std::vector<TemplateFile> InitialProject(std::string_view name) {
  return {
      {"weir.toml",
       fmt::format(fmt::runtime(kWeirToml), TomlString(name.empty() ? "project" : name))},
      {".gitignore", "/warehouse/\n"},
      {"data/orders.csv", std::string(kData)},
      {"sources/orders.sql", std::string(kSource)},
      {"views/paid_orders.sql", std::string(kPaidOrders)},
      {"views/customer_totals.sql", std::string(kCustomerTotals)},
      {"tests/totals_are_positive.sql", std::string(kTest)},
  };
}

}  // namespace weir
