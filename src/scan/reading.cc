// SPDX-License-Identifier: Apache-2.0

#include "weir/scan/reading.h"

#include <algorithm>

#include "weir/base/fingerprint.h"

namespace weir {

Reading ReadingOf(const Scan& scan) {
  Reading reading{.table = WithoutDefaultSchema(scan.table),
                  .columns = scan.columns,
                  .filter_bytes = scan.filter_bytes,
                  .id = {}};
  std::sort(reading.columns.begin(), reading.columns.end());
  std::sort(reading.filter_bytes.begin(), reading.filter_bytes.end());
  FingerprintBuilder builder;
  for (const std::string& column : reading.columns) builder.Add("column", column);
  for (const std::string& filter : reading.filter_bytes) builder.Add("filter", filter);
  reading.id = builder.Finish().ToString();
  return reading;
}

}  // namespace weir
