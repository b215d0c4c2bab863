// SPDX-License-Identifier: Apache-2.0
//
// Makes what works row by row on arrays of a nested type out of the same for the types inside.
// Private to the room.

#pragma once

#include <memory>
#include <utility>
#include <vector>

#include <arrow/array.h>
#include <arrow/type.h>

#include "weir/base/result.h"

namespace weir {

/// The parts of a family: `Base::Make(type)` makes one for any type; `OfList<Array>` takes one for
/// the elements, `OfStruct` one a field, `OfDictionary` one for the values.
template <typename Base, template <typename> typename OfList, typename OfStruct,
          typename OfDictionary>
class NestedTypes {
 public:
  /// Fails with kInvalidArgument if neither `type` nor what is inside of it has an order.
  static Result<std::unique_ptr<Base>> Make(const arrow::DataType& type) {
    switch (type.id()) {
      case arrow::Type::LIST:
        return MakeList<arrow::ListArray>(type);
      case arrow::Type::LARGE_LIST:
        return MakeList<arrow::LargeListArray>(type);
      case arrow::Type::FIXED_SIZE_LIST:
        return MakeList<arrow::FixedSizeListArray>(type);
      case arrow::Type::LIST_VIEW:
        return MakeList<arrow::ListViewArray>(type);
      case arrow::Type::LARGE_LIST_VIEW:
        return MakeList<arrow::LargeListViewArray>(type);
      case arrow::Type::MAP:
        return MakeList<arrow::MapArray>(type);
      case arrow::Type::STRUCT:
        return MakeStruct(type);
      case arrow::Type::DICTIONARY: {
        const auto& dictionary = static_cast<const arrow::DictionaryType&>(type);
        WEIR_ASSIGN_OR_RETURN(auto values, Base::Make(*dictionary.value_type()));
        return std::make_unique<OfDictionary>(std::move(values));
      }
      default:
        return Status::User(StatusCode::kInvalidArgument, "values of type `{}` have no order",
                            type.ToString());
    }
  }

 private:
  template <typename Array>
  static Result<std::unique_ptr<Base>> MakeList(const arrow::DataType& type) {
    WEIR_ASSIGN_OR_RETURN(auto values, Base::Make(*type.field(0)->type()));
    return std::make_unique<OfList<Array>>(std::move(values));
  }

  static Result<std::unique_ptr<Base>> MakeStruct(const arrow::DataType& type) {
    std::vector<std::unique_ptr<Base>> fields;
    for (const auto& field : type.fields()) {
      WEIR_ASSIGN_OR_RETURN(auto of_field, Base::Make(*field->type()));
      fields.push_back(std::move(of_field));
    }
    return std::make_unique<OfStruct>(std::move(fields));
  }
};

}  // namespace weir
