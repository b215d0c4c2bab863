// SPDX-License-Identifier: Apache-2.0
//
// map_get_default, map_normalize: maps with one spelling of keys.

#include <algorithm>
#include <numeric>

#include <arrow/builder.h>
#include <arrow/type.h>

#include "weir/functions/aggregates/row_order.h"
#include "weir/functions/call_arguments.h"
#include "weir/functions/declared_function.h"
#include "weir/functions/function_sets.h"
#include "weir/functions/nested/list_builder.h"
#include "weir/functions/text/unicode_text.h"

namespace weir {
namespace {

using arrow::internal::checked_cast;

/// The keys and values of the maps of a column, as rows of two arrays.
struct MapEntries {
  std::shared_ptr<arrow::Array> keys;
  std::shared_ptr<arrow::Array> values;

  static MapEntries Of(const ListColumn& maps) {
    const auto& entries = checked_cast<const arrow::StructArray&>(*maps.child());
    return {entries.field(0), entries.field(1)};
  }
};

Result<std::shared_ptr<arrow::DataType>> CoerceToMap(const FunctionDeclaration& declaration,
                                                     const std::shared_ptr<arrow::DataType>& type) {
  if (type->id() != arrow::Type::MAP) return WrongType(declaration, 0, "a map", *type);
  const auto& key_type = *checked_cast<const arrow::MapType&>(*type).key_type();
  if (!RowOrder::Accepts(key_type)) {
    return WrongType(declaration, 0, "a map whose keys have an order", *type);
  }
  return type;
}

class MapGetDefault final : public DeclaredScalar {
 public:
  using DeclaredScalar::DeclaredScalar;

  Result<TypeVector> CoerceTypes(const TypeVector& types) const override {
    WEIR_RETURN_NOT_OK(CheckArity(declaration(), types.size(), 3, 3));
    WEIR_ASSIGN_OR_RETURN(auto type, CoerceToMap(declaration(), types[0]));
    const auto& map = checked_cast<const arrow::MapType&>(*type);
    return TypeVector{type, map.key_type(), map.item_type()};
  }

  Result<std::shared_ptr<arrow::Field>> ReturnField(const FieldVector& arguments,
                                                    const ConstantVector&) const override {
    const auto& item = checked_cast<const arrow::MapType&>(*arguments[0]->type()).item_field();
    return item->WithName(name())->WithNullable(item->nullable() || arguments[2]->nullable());
  }

  Result<std::shared_ptr<arrow::Array>> Invoke(const std::vector<FunctionValue>& arguments,
                                               int64_t rows,
                                               const arrow::Field& return_field) const override {
    rows = ResultRows(arguments, rows);
    WEIR_ASSIGN_OR_RETURN(const ListColumn maps, ListColumn::Make(arguments[0]));
    const MapEntries entries = MapEntries::Of(maps);
    WEIR_ASSIGN_OR_RETURN(const auto order, RowOrder::Make(*entries.keys->type()));
    std::vector<RowRef> refs(static_cast<size_t>(rows));
    for (int64_t row = 0; row < rows; ++row) {
      RowRef& ref = refs[static_cast<size_t>(row)];
      ref = {arguments[2].values.get(), arguments[2].is_constant ? 0 : row};
      const arrow::Array& wanted = *arguments[1].values;
      const int64_t wanted_row = arguments[1].is_constant ? 0 : row;
      if (maps.IsNull(row) || wanted.IsNull(wanted_row)) continue;
      // The last entry of a key counts.
      for (int64_t i = maps.offset(row) + maps.length(row) - 1; i >= maps.offset(row); --i) {
        if (order->Compare(*entries.keys, i, wanted, wanted_row) != 0) continue;
        ref = {entries.values.get(), i};
        break;
      }
    }
    return GatherRows(return_field.type(), refs);
  }
};

enum class KeyCase { kLower, kUpper, kKeep };

/// The texts of an array in another case, in the same encoding.
class KeyCaseChange {
 public:
  KeyCaseChange(std::string function, KeyCase key_case)
      : function_(std::move(function)), key_case_(key_case) {}

  Result<std::shared_ptr<arrow::Array>> operator()(const std::shared_ptr<arrow::Array>& keys) {
    if (key_case_ == KeyCase::kKeep) return keys;
    switch (keys->type_id()) {
      case arrow::Type::STRING:
        return Build<arrow::StringArray, arrow::StringBuilder>(*keys);
      case arrow::Type::LARGE_STRING:
        return Build<arrow::LargeStringArray, arrow::LargeStringBuilder>(*keys);
      case arrow::Type::STRING_VIEW:
        return Build<arrow::StringViewArray, arrow::StringViewBuilder>(*keys);
      case arrow::Type::DICTIONARY: {
        const auto& dictionary = checked_cast<const arrow::DictionaryArray&>(*keys);
        WEIR_ASSIGN_OR_RETURN(const auto changed, (*this)(dictionary.dictionary()));
        return std::make_shared<arrow::DictionaryArray>(keys->type(), dictionary.indices(),
                                                        changed);
      }
      default:
        return keys;
    }
  }

 private:
  template <typename Array, typename Builder>
  Result<std::shared_ptr<arrow::Array>> Build(const arrow::Array& keys) {
    Builder builder;
    std::string changed;
    for (int64_t row = 0; row < keys.length(); ++row) {
      if (keys.IsNull(row)) {
        WEIR_RETURN_NOT_OK(FromArrow(builder.AppendNull()));
        continue;
      }
      const std::string_view text = checked_cast<const Array&>(keys).GetView(row);
      WEIR_RETURN_NOT_OK(InFunction(function_, text,
                                    key_case_ == KeyCase::kLower ? ToLowerUnicode(text, &changed)
                                                                 : ToUpperUnicode(text, &changed)));
      WEIR_RETURN_NOT_OK(FromArrow(builder.Append(changed)));
    }
    return FromArrow(builder.Finish());
  }

  std::string function_;
  KeyCase key_case_;
};

class MapNormalize final : public DeclaredScalar {
 public:
  using DeclaredScalar::DeclaredScalar;

  Result<TypeVector> CoerceTypes(const TypeVector& types) const override {
    WEIR_RETURN_NOT_OK(CheckArity(declaration(), types.size(), 1, 3));
    TypeVector settled(1);
    WEIR_ASSIGN_OR_RETURN(settled[0], CoerceToMap(declaration(), types[0]));
    if (types.size() > 1) {
      WEIR_ASSIGN_OR_RETURN(auto key_case, CoerceToText(declaration(), 1, types[1]));
      settled.push_back(std::move(key_case));
    }
    if (types.size() > 2) {
      WEIR_ASSIGN_OR_RETURN(auto sort, CoerceToBoolean(declaration(), 2, types[2]));
      settled.push_back(std::move(sort));
    }
    return settled;
  }

  Result<std::shared_ptr<arrow::Field>> ReturnField(
      const FieldVector& arguments, const ConstantVector& constants) const override {
    if (const auto key_case = ConstantText(constants, 1))
      WEIR_RETURN_NOT_OK(FindKeyCase(*key_case).status());
    return arguments[0]->WithName(name())->WithNullable(AnyNullable(arguments));
  }

  Result<std::shared_ptr<arrow::Array>> Invoke(const std::vector<FunctionValue>& arguments,
                                               int64_t rows, const arrow::Field&) const override {
    rows = ResultRows(arguments, rows);
    const auto& type = arguments[0].values->type();
    WEIR_ASSIGN_OR_RETURN(const ListColumn maps, ListColumn::Make(arguments[0]));
    WEIR_ASSIGN_OR_RETURN(const auto cases, OptionalText(arguments, 1));
    const BooleanOption sort(arguments, 2, true);
    const MapEntries entries = MapEntries::Of(maps);
    WEIR_ASSIGN_OR_RETURN(const auto order, RowOrder::Make(*entries.keys->type()));
    /// The keys in each case that a row asked for.
    std::array<std::shared_ptr<arrow::Array>, 3> keys_by_case;

    WEIR_ASSIGN_OR_RETURN(auto writer, ListWriter::Make(type, rows));
    std::vector<RowRef> keys, values;
    std::vector<int64_t> kept;
    for (int64_t row = 0; row < rows; ++row) {
      if (maps.IsNull(row) || sort.IsNull(row) || (cases && cases->IsNull(row))) {
        WEIR_RETURN_NOT_OK(writer.EndNull());
        continue;
      }
      KeyCase key_case = KeyCase::kLower;
      if (cases) {
        WEIR_ASSIGN_OR_RETURN(key_case, FindKeyCase((*cases)[row]));
      }
      auto& row_keys = keys_by_case[static_cast<size_t>(key_case)];
      if (row_keys == nullptr) {
        WEIR_ASSIGN_OR_RETURN(row_keys, KeyCaseChange(name(), key_case)(entries.keys));
      }
      kept.resize(static_cast<size_t>(maps.length(row)));
      std::iota(kept.begin(), kept.end(), maps.offset(row));
      Settle(*order, *row_keys, sort[row], &kept);
      for (const int64_t i : kept) {
        keys.push_back({row_keys.get(), i});
        values.push_back({entries.values.get(), i});
      }
      WEIR_RETURN_NOT_OK(writer.EndRow(static_cast<int64_t>(keys.size())));
    }
    const auto& map = checked_cast<const arrow::MapType&>(*type);
    WEIR_ASSIGN_OR_RETURN(const auto key_column, GatherRows(map.key_type(), keys));
    WEIR_ASSIGN_OR_RETURN(const auto value_column, GatherRows(map.item_type(), values));
    return writer.Finish(arrow::ArrayData::Make(map.value_type(), key_column->length(), {nullptr},
                                                {key_column->data(), value_column->data()}, 0));
  }

 private:
  Result<KeyCase> FindKeyCase(std::string_view text) const {
    if (text == "lower") return KeyCase::kLower;
    if (text == "upper") return KeyCase::kUpper;
    if (text == "keep") return KeyCase::kKeep;
    return Status::User(StatusCode::kInvalidArgument,
                        "{}: key_case wants lower, upper or keep, found `{}`",
                        declaration().Syntax(), TextStart(text));
  }

  /// Leaves one entry a key, the last: sorted by key, or where the key stood first.
  static void Settle(const RowOrder& order, const arrow::Array& keys, bool sort,
                     std::vector<int64_t>* entries) {
    const auto compare = [&](int64_t i, int64_t j) { return order.Compare(keys, i, keys, j); };
    std::stable_sort(entries->begin(), entries->end(),
                     [&](int64_t i, int64_t j) { return compare(i, j) < 0; });
    struct Entry {
      int64_t first;
      int64_t last;
    };
    std::vector<Entry> distinct;
    for (const int64_t i : *entries) {
      if (!distinct.empty() && compare(distinct.back().last, i) == 0) {
        distinct.back().last = i;
      } else {
        distinct.push_back({i, i});
      }
    }
    if (!sort) {
      std::sort(distinct.begin(), distinct.end(),
                [](const Entry& a, const Entry& b) { return a.first < b.first; });
    }
    entries->clear();
    for (const Entry& entry : distinct) entries->push_back(entry.last);
  }
};

std::shared_ptr<arrow::DataType> TypicalMap() { return arrow::map(arrow::utf8(), arrow::utf8()); }

FunctionDeclaration DeclareGetDefault() {
  FunctionDeclaration declaration;
  declaration.name = "map_get_default";
  declaration.tags = {"deterministic", "map", "nested"};
  declaration.description =
      "The value at a key of a map, or default if the key is not there. Of entries with the same "
      "key the last counts.";
  declaration.arguments = {
      {"map", "map", "The map."},
      {"key", "the type of keys", "The key to look for."},
      {"default", "the type of values", "What stands in for a missing entry."}};
  declaration.signature_kind = SignatureKind::kUserDefined;
  declaration.signatures = {{TypicalMap(), arrow::utf8(), arrow::utf8()}};
  declaration.result_type = "the type of values";
  declaration.null_handling =
      "default if map or key is NULL; an entry whose value is NULL gives NULL.";
  declaration.example = "map_get_default(MAP {'a': 1}, 'b', 0)";
  return declaration;
}

FunctionDeclaration DeclareNormalize() {
  FunctionDeclaration declaration;
  declaration.name = "map_normalize";
  declaration.tags = {"deterministic", "map", "nested"};
  declaration.description =
      "The map with its text keys in one case and each key once; of equal keys the later entry "
      "wins. Entries are sorted by key, "
      "or stay where their key stood first.";
  declaration.arguments = {
      {"map", "map", "The map; keys that are no texts keep their form."},
      {"key_case", "text", "Case of the keys: lower, upper or keep.", "'lower'"},
      {"sort", "boolean", "Whether entries are sorted by key.", "true"}};
  declaration.signature_kind = SignatureKind::kUserDefined;
  declaration.signatures = {{TypicalMap()}, {TypicalMap(), arrow::utf8(), arrow::boolean()}};
  declaration.result_type = "the type of map";
  declaration.null_handling = "NULL if any argument is NULL.";
  declaration.example = "map_normalize(MAP {'B': 1, 'a': 2, 'b': 3})";
  declaration.strict = true;
  return declaration;
}

}  // namespace

void AddMapFunctions(ScalarFunctions* functions) {
  functions->push_back(std::make_shared<MapGetDefault>(DeclareGetDefault()));
  functions->push_back(std::make_shared<MapNormalize>(DeclareNormalize()));
}

}  // namespace weir
