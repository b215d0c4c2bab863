// SPDX-License-Identifier: Apache-2.0

#include "weir/lineage/nested_values.h"

#include <algorithm>
#include <optional>

#include <arrow/api.h>
#include <fmt/format.h>

namespace weir::deriving {

namespace {

/// Elements beyond which a list's are known as one only.
constexpr size_t kKnownElements = 32;

/// The text of a literal in quotes, as parts are named.
std::optional<std::string_view> QuotedText(const Expression& e) {
  if (e.kind != ExpressionKind::kLiteral || e.text.size() < 2 || !e.text.starts_with("'"))
    return std::nullopt;
  return std::string_view(e.text).substr(1, e.text.size() - 2);
}

bool IsCall(const Expression& e, std::string_view name) {
  return e.kind == ExpressionKind::kScalarFunction && e.name == name;
}

const Derived* Find(const Derived& whole, std::string_view name) {
  for (const Part& part : whole.parts) {
    if (part.name == name) return part.value;
  }
  return nullptr;
}

/// A list of these values, each known by its position.
std::span<const Part> ListParts(Arena& arena, std::span<const Derived* const> values) {
  if (values.empty()) return {};
  std::vector<Part> parts(1);
  const Derived* any = values[0];
  for (size_t i = 0; i < values.size(); ++i) {
    if (i > 0) any = Merged(arena, "union", *any, *values[i]);
    if (values.size() <= kKnownElements)
      parts.push_back({arena.NewText(fmt::format("[{}]", i + 1)), values[i]});
  }
  parts[0] = {kElement, any};
  return arena.Copy(parts);
}

/// Keys and values in turn, or keys first for a struct without names.
std::span<const Part> StructParts(Arena& arena, const Expression& e,
                                  std::span<const Derived* const> inputs) {
  std::vector<Part> parts;
  if (e.name == "struct") {
    for (size_t i = 0; i < inputs.size(); ++i)
      parts.push_back({arena.NewText(fmt::format("c{}", i)), inputs[i]});
    return arena.Copy(parts);
  }
  for (size_t i = 0; i + 1 < inputs.size(); i += 2) {
    const auto name = QuotedText(e.inputs[i]);
    if (!name) return {};
    parts.push_back({*name, inputs[i + 1]});
  }
  return arena.Copy(parts);
}

/// Of a list of literal keys, written out or folded to one literal.
std::vector<std::string_view> LiteralKeys(const Expression& e) {
  std::vector<std::string_view> keys;
  if (IsCall(e, "make_array")) {
    for (const Expression& key : e.inputs) {
      const auto name = QuotedText(key);
      if (!name) return {};
      keys.push_back(*name);
    }
    return keys;
  }
  if (e.kind != ExpressionKind::kLiteral || !e.literal || !e.literal->is_valid ||
      e.literal->type->id() != arrow::Type::LIST)
    return {};
  const auto& list = static_cast<const arrow::ListScalar&>(*e.literal).value;
  if (list->type_id() != arrow::Type::STRING || list->null_count() > 0) return {};
  const auto& texts = static_cast<const arrow::StringArray&>(*list);
  // The bytes belong to the plan, which outlives the arena.
  for (int64_t i = 0; i < texts.length(); ++i) keys.push_back(texts.GetView(i));
  return keys;
}

/// `map([key, …], [value, …])`.
std::span<const Part> MapParts(Arena& arena, const Expression& e,
                               std::span<const Derived* const> inputs) {
  const std::vector<std::string_view> keys = LiteralKeys(e.inputs[0]);
  std::vector<Part> parts;
  for (size_t i = 0; i < keys.size(); ++i) {
    const Derived* value = Find(*inputs[1], fmt::format("[{}]", i + 1));
    if (value == nullptr) return {};
    parts.push_back({keys[i], value});
  }
  return arena.Copy(parts);
}

}  // namespace

bool IsFieldAccess(const Expression& e) {
  return IsCall(e, "get_field") && e.inputs.size() >= 2 &&
         std::all_of(e.inputs.begin() + 1, e.inputs.end(),
                     [](const Expression& name) { return QuotedText(name).has_value(); });
}

std::vector<std::string_view> FieldKeys(const Expression& e) {
  std::vector<std::string_view> keys;
  for (size_t i = 1; i < e.inputs.size(); ++i) keys.push_back(*QuotedText(e.inputs[i]));
  return keys;
}

bool IsElementAccess(const Expression& e) {
  return IsCall(e, "array_element") && e.inputs.size() == 2 &&
         e.inputs[1].kind == ExpressionKind::kLiteral;
}

const Derived* PartOf(Arena& arena, const Derived& whole, std::string_view name,
                      const Expanded* expression) {
  const Derived* known = Find(whole, name);
  if (known == nullptr && name.starts_with("[")) known = Find(whole, kElement);
  if (known != nullptr) return known;
  Derived part = whole;
  part.parts = {};
  part.expression = expression;
  ++part.size;
  if (!whole.is_place) {
    part.transformation = std::max(part.transformation, Transformation::kTransformation);
    part.inputs = arena.As(whole.inputs, ColumnUse::kValue, Transformation::kTransformation);
    return arena.New(part);
  }
  part.place = arena.PartOf(whole.place, name.starts_with("[") ? kElement : name);
  const auto inputs = arena.NewArray<Input>(whole.inputs.size());
  for (size_t i = 0; i < inputs.size(); ++i) {
    const Input& input = whole.inputs[i];
    inputs[i] = input.use() == ColumnUse::kValue && input.source() == whole.place
                    ? Input(part.place, ColumnUse::kValue, input.transformation())
                    : input;
  }
  std::sort(inputs.begin(), inputs.end());
  part.inputs = inputs;
  return arena.New(part);
}

std::span<const Part> PartsBuilt(Arena& arena, const Expression& e,
                                 std::span<const Derived* const> inputs) {
  if (e.kind != ExpressionKind::kScalarFunction) return {};
  if (e.name == "named_struct" || e.name == "struct") return StructParts(arena, e, inputs);
  if (e.name == "make_array") return ListParts(arena, inputs);
  if (e.name == "map" && inputs.size() == 2) return MapParts(arena, e, inputs);
  return {};
}

const Derived* Merged(Arena& arena, std::string_view word, const Derived& a, const Derived& b) {
  Derived merged = a;
  merged.transformation = std::max(a.transformation, b.transformation);
  merged.inputs = arena.Union(a.inputs, b.inputs);
  merged.is_place = a.is_place && b.is_place && a.place == b.place;
  std::vector<Part> parts;
  for (const Part& part : a.parts) {
    const Derived* other = Find(b, part.name);
    if (other != nullptr) parts.push_back({part.name, Merged(arena, word, *part.value, *other)});
  }
  // A part that only one side knows is not known; of lists, all elements must be.
  merged.parts = parts.size() == a.parts.size() && parts.size() == b.parts.size()
                     ? arena.Copy(parts)
                     : std::span<const Part>();
  if (SameExpression(*a.expression, *b.expression)) return arena.New(merged);
  std::vector<const Expanded*> branches;
  if (a.expression->written == nullptr && a.expression->word == word) {
    branches.assign(a.expression->parts.begin(), a.expression->parts.end());
  } else {
    branches.push_back(a.expression);
  }
  branches.push_back(b.expression);
  merged.expression = arena.New(Expanded{.word = word, .parts = arena.Copy(branches)});
  merged.size = a.size + b.size;
  return arena.New(merged);
}

}  // namespace weir::deriving
