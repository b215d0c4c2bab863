// SPDX-License-Identifier: Apache-2.0
//
// list_compact, list_unique_sorted, struct_pick: nested values without what nobody needs.

#include <algorithm>

#include <arrow/type.h>

#include "weir/functions/aggregates/row_order.h"
#include "weir/functions/call_arguments.h"
#include "weir/functions/declared_function.h"
#include "weir/functions/function_sets.h"
#include "weir/functions/nested/list_builder.h"

namespace weir {
namespace {

using arrow::internal::checked_cast;

/// The list type that can hold fewer elements than before: fixed sizes and views become plain
/// lists.
Result<std::shared_ptr<arrow::DataType>> CoerceToList(
    const FunctionDeclaration& declaration, size_t index,
    const std::shared_ptr<arrow::DataType>& type) {
  switch (type->id()) {
    case arrow::Type::NA:
      return arrow::list(arrow::field("item", arrow::null()));
    case arrow::Type::LIST:
    case arrow::Type::LARGE_LIST:
      return type;
    case arrow::Type::FIXED_SIZE_LIST:
    case arrow::Type::LIST_VIEW:
      return arrow::list(type->field(0));
    case arrow::Type::LARGE_LIST_VIEW:
      return arrow::large_list(type->field(0));
    default:
      return WrongType(declaration, index, "a list", *type);
  }
}

/// From a list to a list of the same type, row by row.
class ListFunction : public DeclaredScalar {
 public:
  using DeclaredScalar::DeclaredScalar;

  Result<TypeVector> CoerceTypes(const TypeVector& types) const override {
    WEIR_RETURN_NOT_OK(CheckArity(declaration(), types.size(), 1, 1));
    WEIR_ASSIGN_OR_RETURN(auto type, CoerceToList(declaration(), 0, types[0]));
    return TypeVector{std::move(type)};
  }
  Result<std::shared_ptr<arrow::Field>> ReturnField(const FieldVector& arguments,
                                                    const ConstantVector&) const override {
    return arguments[0]->WithName(name());
  }
  Result<std::shared_ptr<arrow::Array>> Invoke(const std::vector<FunctionValue>& arguments,
                                               int64_t rows, const arrow::Field&) const override {
    rows = ResultRows(arguments, rows);
    const auto& type = arguments[0].values->type();
    WEIR_ASSIGN_OR_RETURN(const ListColumn lists, ListColumn::Make(arguments[0]));
    WEIR_ASSIGN_OR_RETURN(auto writer, ListWriter::Make(type, rows));
    std::vector<RowRef> elements;
    std::vector<int64_t> kept;
    WEIR_ASSIGN_OR_RETURN(const auto select, MakeSelect(*lists.child()));
    for (int64_t row = 0; row < rows; ++row) {
      if (lists.IsNull(row)) {
        WEIR_RETURN_NOT_OK(writer.EndNull());
        continue;
      }
      kept.clear();
      const int64_t first = lists.offset(row);
      for (int64_t i = first; i < first + lists.length(row); ++i) {
        if (!IsNullElement(*lists.child(), i)) kept.push_back(i);
      }
      select(&kept);
      for (const int64_t i : kept) elements.push_back({lists.child().get(), i});
      WEIR_RETURN_NOT_OK(writer.EndRow(static_cast<int64_t>(elements.size())));
    }
    WEIR_ASSIGN_OR_RETURN(const auto child, GatherRows(type->field(0)->type(), elements));
    return writer.Finish(child->data());
  }

 protected:
  /// What happens to the rows of the child that are not NULL.
  using Select = std::function<void(std::vector<int64_t>*)>;
  virtual Result<Select> MakeSelect(const arrow::Array& child) const = 0;

 private:
  static bool IsNullElement(const arrow::Array& child, int64_t row) {
    if (child.type_id() == arrow::Type::NA || child.IsNull(row)) return true;
    if (child.type_id() != arrow::Type::DICTIONARY) return false;
    const auto& dictionary = checked_cast<const arrow::DictionaryArray&>(child);
    return dictionary.dictionary()->IsNull(dictionary.GetValueIndex(row));
  }
};

constexpr char kListCompact[] = "list_compact";
constexpr char kListUniqueSorted[] = "list_unique_sorted";

class ListCompact final : public ListFunction {
 public:
  using ListFunction::ListFunction;

  std::optional<RewrittenExpression> Simplify(
      const std::vector<PlannedExpression>& arguments) const override {
    const std::string& inner = arguments[0].function;
    if (inner != kListCompact && inner != kListUniqueSorted) return std::nullopt;
    return RewrittenExpression::Argument(0);
  }

 protected:
  Result<Select> MakeSelect(const arrow::Array&) const override {
    return Select([](std::vector<int64_t>*) {});
  }
};

class ListUniqueSorted final : public ListFunction {
 public:
  using ListFunction::ListFunction;

  std::optional<RewrittenExpression> Simplify(
      const std::vector<PlannedExpression>& arguments) const override {
    const std::string& inner = arguments[0].function;
    if (inner == kListUniqueSorted) return RewrittenExpression::Argument(0);
    if (inner != kListCompact) return std::nullopt;
    return RewrittenExpression::Call({RewrittenExpression::Part(0, "0")});
  }
  Result<TypeVector> CoerceTypes(const TypeVector& types) const override {
    WEIR_ASSIGN_OR_RETURN(TypeVector settled, ListFunction::CoerceTypes(types));
    const auto& element = *settled[0]->field(0)->type();
    if (!RowOrder::Accepts(element))
      return WrongType(declaration(), 0, "a list of values that have an order", *types[0]);
    return settled;
  }

 protected:
  Result<Select> MakeSelect(const arrow::Array& child) const override {
    if (OrderKeys::Accepts(*child.type())) {
      const OrderKeys keys(child);
      return Select([keys](std::vector<int64_t>* rows) {
        std::sort(rows->begin(), rows->end(),
                  [&](int64_t i, int64_t j) { return keys[i] < keys[j]; });
        rows->erase(std::unique(rows->begin(), rows->end(),
                                [&](int64_t i, int64_t j) { return keys[i] == keys[j]; }),
                    rows->end());
      });
    }
    WEIR_ASSIGN_OR_RETURN(std::shared_ptr<RowOrder> order, RowOrder::Make(*child.type()));
    const arrow::Array* values = &child;
    return Select([order, values](std::vector<int64_t>* rows) {
      const auto compare = [&](int64_t i, int64_t j) {
        return order->CompareValues(*values, i, *values, j);
      };
      std::sort(rows->begin(), rows->end(),
                [&](int64_t i, int64_t j) { return compare(i, j) < 0; });
      rows->erase(std::unique(rows->begin(), rows->end(),
                              [&](int64_t i, int64_t j) { return compare(i, j) == 0; }),
                  rows->end());
    });
  }
};

/// struct_pick(struct, 'field', …): copies no value.
class StructPick final : public DeclaredScalar {
 public:
  using DeclaredScalar::DeclaredScalar;

  Result<TypeVector> CoerceTypes(const TypeVector& types) const override {
    WEIR_RETURN_NOT_OK(CheckArity(declaration(), types.size(), 2, SIZE_MAX));
    if (types[0]->id() != arrow::Type::STRUCT)
      return WrongType(declaration(), 0, "a struct", *types[0]);
    TypeVector settled = {types[0]};
    for (size_t i = 1; i < types.size(); ++i) {
      WEIR_ASSIGN_OR_RETURN(auto type, CoerceToText(declaration(), i, types[i]));
      settled.push_back(std::move(type));
    }
    return settled;
  }

  Result<std::shared_ptr<arrow::Field>> ReturnField(
      const FieldVector& arguments, const ConstantVector& constants) const override {
    FieldVector picked;
    for (size_t i = 1; i < arguments.size(); ++i) {
      const auto field_name = ConstantText(constants, i);
      if (!field_name) {
        return Status::User(StatusCode::kInvalidArgument,
                            "{} wants the names of fields as literals, argument {} is none",
                            declaration().Syntax(), i + 1);
      }
      const auto field =
          checked_cast<const arrow::StructType&>(*arguments[0]->type()).GetFieldByName(*field_name);
      if (field == nullptr) return UnknownField(*field_name, *arguments[0]->type());
      const bool again = std::any_of(picked.begin(), picked.end(), [&](const auto& other) {
        return other->name() == *field_name;
      });
      if (again) {
        return Status::User(StatusCode::kInvalidArgument,
                            "{} wants each field once, found `{}` twice", declaration().Syntax(),
                            *field_name);
      }
      picked.push_back(field);
    }
    return arguments[0]->WithType(arrow::struct_(picked))->WithName(name());
  }

  Result<std::shared_ptr<arrow::Array>> Invoke(const std::vector<FunctionValue>& arguments, int64_t,
                                               const arrow::Field& return_field) const override {
    const arrow::ArrayData& structs = *arguments[0].values->data();
    auto data = structs.Copy();
    data->type = return_field.type();
    data->child_data.clear();
    for (const auto& field : return_field.type()->fields()) {
      const int index =
          checked_cast<const arrow::StructType&>(*structs.type).GetFieldIndex(field->name());
      if (index < 0) return Status::Bug("{}: no field `{}`", name(), field->name());
      data->child_data.push_back(structs.child_data[static_cast<size_t>(index)]);
    }
    return arrow::MakeArray(data);
  }

 private:
  Status UnknownField(const std::string& wanted, const arrow::DataType& type) const {
    std::string known;
    for (const auto& field : type.fields())
      known += (known.empty() ? "`" : ", `") + field->name() + "`";
    return Status::User(StatusCode::kInvalidArgument, "{}: the struct has no field `{}`, only {}",
                        declaration().Syntax(), TextStart(wanted), known);
  }
};

FunctionDeclaration DeclareList(std::string name, std::string description, std::string example,
                                std::string simplification) {
  FunctionDeclaration declaration;
  declaration.name = std::move(name);
  declaration.tags = {"deterministic", "list", "nested"};
  declaration.description = std::move(description);
  declaration.arguments = {
      {"list", "list", "A list of any type; the elements keep type, metadata and nullability."}};
  declaration.signature_kind = SignatureKind::kUserDefined;
  declaration.signatures = {{arrow::list(arrow::field("item", arrow::int64()))}};
  declaration.result_type = "the type of list";
  declaration.null_handling = "NULL if list is NULL; a list of NULLs becomes an empty one.";
  declaration.example = std::move(example);
  declaration.simplification = std::move(simplification);
  declaration.strict = true;
  return declaration;
}

FunctionDeclaration DeclareStructPick() {
  FunctionDeclaration declaration;
  declaration.name = "struct_pick";
  declaration.tags = {"deterministic", "nested", "struct"};
  declaration.description =
      "The named fields of a struct, in the order of the call. Copies no value.";
  declaration.arguments = {
      {"struct", "struct", "The struct."},
      {"field", "text", "Name of a field, a literal; an unknown one is an error at planning."}};
  declaration.variadic = true;
  declaration.signature_kind = SignatureKind::kUserDefined;
  declaration.signatures = {{arrow::struct_({arrow::field("a", arrow::int64())}), arrow::utf8()}};
  declaration.result_type = "struct";
  declaration.null_handling = "NULL if struct is NULL.";
  declaration.example = "struct_pick(named_struct('a', 1, 'b', 2), 'b')";
  return declaration;
}

}  // namespace

void AddListFunctions(ScalarFunctions* functions) {
  functions->push_back(std::make_shared<ListCompact>(
      DeclareList(kListCompact, "The list without its NULLs, in the same order.",
                  "list_compact(make_array(1, NULL, 2))",
                  "What list_compact or list_unique_sorted returned stays as it is.")));
  functions->push_back(std::make_shared<ListUniqueSorted>(
      DeclareList(kListUniqueSorted,
                  "The distinct elements of the list in the order of their type, without NULLs. "
                  "Floats are ordered as by "
                  "IEEE 754 totalOrder, texts by their bytes.",
                  "list_unique_sorted(make_array('b', 'a', NULL, 'b'))",
                  "What list_unique_sorted returned stays as it is; list_compact within falls "
                  "away.")));
  functions->push_back(std::make_shared<StructPick>(DeclareStructPick()));
}

}  // namespace weir
