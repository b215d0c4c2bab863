// SPDX-License-Identifier: Apache-2.0

#include "weir/plan/sorted_lists.h"

#include <arrow/api.h>

namespace weir::internal {

namespace {

Expression Call(const char* name, std::vector<Expression> arguments) {
  Expression call{.kind = ExpressionKind::kScalarFunction, .name = name};
  call.inputs = std::move(arguments);
  return call;
}

Expression Text(const char* text) {
  return MakeLiteral(std::make_shared<arrow::StringScalar>(text));
}

}  // namespace

Expression SortedList(Expression list) {
  return Call("array_sort", {std::move(list), Text("ASC"), Text("NULLS LAST")});
}

Expression JoinedText(Expression list, Expression& function) {
  const Expression separator = function.inputs.size() > 1 ? function.inputs[1] : Text("");
  const bool is_null = separator.literal == nullptr || !separator.literal->is_valid;
  Expression is_there{.kind = ExpressionKind::kIsNotNull};
  is_there.inputs.push_back(function.inputs[0]);
  if (!function.filter.empty()) {
    Expression both{.kind = ExpressionKind::kBinary, .name = "AND"};
    both.inputs = {std::move(function.filter[0]), std::move(is_there)};
    is_there = std::move(both);
  }
  function.filter = {std::move(is_there)};
  function.name = "array_agg";
  function.inputs.resize(1);
  Expression text{.kind = ExpressionKind::kCast, .type = arrow::large_utf8()};
  text.inputs.push_back(Call("array_to_string", {std::move(list), is_null ? Text("") : separator}));
  return text;
}

}  // namespace weir::internal
