// SPDX-License-Identifier: Apache-2.0

#include "weir/functions/text_column.h"

#include <arrow/type.h>

namespace weir {

bool TextColumn::Accepts(const arrow::DataType& type) {
  switch (type.id()) {
    case arrow::Type::NA:
    case arrow::Type::STRING:
    case arrow::Type::LARGE_STRING:
    case arrow::Type::STRING_VIEW:
      return true;
    case arrow::Type::DICTIONARY: {
      const auto& values = *static_cast<const arrow::DictionaryType&>(type).value_type();
      return values.id() != arrow::Type::DICTIONARY && Accepts(values);
    }
    default:
      return false;
  }
}

Result<TextColumn> TextColumn::Make(const FunctionValue& value) {
  TextColumn column;
  column.array_ = value.values;
  column.is_constant_ = value.is_constant;
  column.validity_ = value.values->null_bitmap_data();
  switch (value.values->type_id()) {
    case arrow::Type::NA:
      column.encoding_ = Encoding::kNull;
      break;
    case arrow::Type::STRING:
      column.encoding_ = Encoding::kUtf8;
      break;
    case arrow::Type::LARGE_STRING:
      column.encoding_ = Encoding::kLargeUtf8;
      break;
    case arrow::Type::STRING_VIEW:
      column.encoding_ = Encoding::kView;
      column.views_ = value.values->data()->GetValues<arrow::BinaryViewType::c_type>(1);
      column.view_buffers_ = value.values->data()->buffers.data() + 2;
      break;
    case arrow::Type::DICTIONARY: {
      column.encoding_ = Encoding::kDictionary;
      const auto& dictionary = static_cast<const arrow::DictionaryArray&>(*value.values);
      WEIR_ASSIGN_OR_RETURN(auto values, Make({dictionary.dictionary(), false}));
      column.dictionary_ = std::make_shared<const TextColumn>(std::move(values));
      break;
    }
    default:
      return Status::Bug("wanted a text column, found type `{}`", value.values->type()->ToString());
  }
  return column;
}

}  // namespace weir
