// SPDX-License-Identifier: Apache-2.0
//
// The text form of values that identities are hashed from. Private to the room.
//
//   integer        decimal                     boolean     true, false
//   float          shortest digits that read back the same; plain from 1e-4 up to below 1e16 with
//   at least one decimal ("1.0"),
//                  else with an exponent of two digits or more ("1e-05", "1.5e+20"); nan, inf, -inf
//   decimal        without trailing zeros ("1.5", "2")
//   date           2024-02-29                  time        23:59:59.5
//   timestamp      2024-02-29T23:59:59.5Z in UTC; one without zone is taken as UTC; the fraction
//   has no trailing zeros binary         lower-case hex list, struct, map   JSON without spaces;
//   object keys ordered by their bytes; nested texts, dates, times and binaries are JSON
//                  strings, and so are nan and inf; NULL is null; a map's keys are written in their
//                  text form

#pragma once

#include <memory>
#include <string>
#include <string_view>

#include <arrow/type_fwd.h>

#include "weir/base/result.h"

namespace weir {

/// Writes the text form of the rows of one array, which it keeps alive.
class PartText {
 public:
  static bool Accepts(const arrow::DataType& type);
  /// Fails with kInvalidArgument unless Accepts(array->type()).
  static Result<std::unique_ptr<PartText>> Make(std::shared_ptr<arrow::Array> array);
  virtual ~PartText() = default;

  virtual bool IsNull(int64_t row) const = 0;
  /// REQUIRES: !IsNull(row)
  virtual void AppendText(int64_t row, std::string* out) const = 0;
  /// True when the text is a JSON value as it stands. REQUIRES: !IsNull(row)
  virtual bool IsJson(int64_t row) const = 0;
  /// The value inside of nested JSON; null if NULL.
  void AppendJson(int64_t row, std::string* out) const;
};

/// Appends `text` as a JSON string; escapes quotes, backslashes and control characters only.
void AppendJsonString(std::string_view text, std::string* out);

}  // namespace weir
