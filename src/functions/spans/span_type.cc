// SPDX-License-Identifier: Apache-2.0

#include "weir/functions/spans/span_type.h"

#include <arrow/array.h>
#include <arrow/type.h>
#include <arrow/util/checked_cast.h>
#include <arrow/util/key_value_metadata.h>

namespace weir {

using arrow::internal::checked_cast;

std::shared_ptr<arrow::DataType> SpanType() {
  return arrow::struct_(
      {arrow::field("bstart", arrow::int64()), arrow::field("bend", arrow::int64()),
       arrow::field("line_base", arrow::int32()), arrow::field("col_unit", arrow::utf8()),
       arrow::field("end_exclusive", arrow::boolean())});
}

std::shared_ptr<arrow::Field> SpanField(const std::string& name, bool nullable) {
  return arrow::field(name, SpanType(), nullable,
                      arrow::key_value_metadata({"semantic_type"}, {"Span"}));
}

Result<std::shared_ptr<arrow::DataType>> CoerceToSpan(
    const std::string& function, const std::shared_ptr<arrow::DataType>& type) {
  const auto canonical = SpanType();
  if (type->id() == arrow::Type::NA) return canonical;
  bool readable = true;
  bool is_span = type->id() == arrow::Type::STRUCT;
  for (int i = 0; is_span && i < canonical->num_fields(); ++i) {
    const auto& wanted = *canonical->field(i);
    const auto found = checked_cast<const arrow::StructType&>(*type).GetFieldByName(wanted.name());
    if (found == nullptr) {
      is_span = false;
    } else if (wanted.name() == "col_unit") {
      readable = readable && TextColumn::Accepts(*found->type());
    } else if (wanted.name() != "line_base") {
      readable = readable && found->type()->Equals(*wanted.type());
    }
  }
  if (!is_span) {
    return Status::User(StatusCode::kInvalidArgument,
                        "{} takes spans (struct with bstart, bend, line_base, col_unit, "
                        "end_exclusive; see span_make), "
                        "found `{}`",
                        function, type->ToString());
  }
  return readable ? type : canonical;
}

Result<SpanColumn> SpanColumn::Make(const FunctionValue& value) {
  if (value.values->type_id() != arrow::Type::STRUCT) {
    return Status::Bug("wanted spans, found type `{}`", value.values->type()->ToString());
  }
  const auto& structs = checked_cast<const arrow::StructArray&>(*value.values);
  SpanColumn column;
  column.is_constant_ = value.is_constant;
  column.spans_ = value.values;
  column.bstart_ = std::dynamic_pointer_cast<arrow::Int64Array>(structs.GetFieldByName("bstart"));
  column.bend_ = std::dynamic_pointer_cast<arrow::Int64Array>(structs.GetFieldByName("bend"));
  column.line_base_ =
      std::dynamic_pointer_cast<arrow::Int32Array>(structs.GetFieldByName("line_base"));
  column.end_exclusive_ =
      std::dynamic_pointer_cast<arrow::BooleanArray>(structs.GetFieldByName("end_exclusive"));
  const auto col_unit = structs.GetFieldByName("col_unit");
  if (!column.bstart_ || !column.bend_ || !column.end_exclusive_ || !col_unit) {
    return Status::Bug("wanted spans, found type `{}`", value.values->type()->ToString());
  }
  WEIR_ASSIGN_OR_RETURN(auto units, TextColumn::Make({col_unit, false}));
  column.col_unit_ = std::make_shared<TextColumn>(std::move(units));
  return column;
}

bool SpanColumn::IsNull(int64_t row) const {
  row = Row(row);
  return spans_->IsNull(row) || bstart_->IsNull(row) || bend_->IsNull(row) ||
         end_exclusive_->IsNull(row) || col_unit_->IsNull(row);
}

}  // namespace weir
