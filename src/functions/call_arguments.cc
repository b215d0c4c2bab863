// SPDX-License-Identifier: Apache-2.0

#include "weir/functions/call_arguments.h"

#include <arrow/type.h>

namespace weir {

Status CheckArity(const FunctionDeclaration& declaration, size_t count, size_t fewest,
                  size_t most) {
  if (count >= fewest && count <= most) return Status::OK();
  const std::string wanted = fewest == most     ? fmt::format("{}", fewest)
                             : most == SIZE_MAX ? fmt::format("at least {}", fewest)
                                                : fmt::format("{} to {}", fewest, most);
  return Status::User(StatusCode::kInvalidArgument, "{} takes {} argument{}, found {}",
                      declaration.Syntax(), wanted, fewest == most && fewest == 1 ? "" : "s",
                      count);
}

Status WrongType(const FunctionDeclaration& declaration, size_t index, std::string_view wanted,
                 const arrow::DataType& found) {
  const size_t last = declaration.arguments.size() - 1;
  return Status::User(StatusCode::kInvalidArgument, "{} wants {} as {}, found type `{}`",
                      declaration.Syntax(), wanted,
                      declaration.arguments[std::min(index, last)].name, found.ToString());
}

Result<std::shared_ptr<arrow::DataType>> CoerceToText(
    const FunctionDeclaration& declaration, size_t index,
    const std::shared_ptr<arrow::DataType>& type) {
  if (type->id() == arrow::Type::NA) return arrow::utf8();
  if (TextColumn::Accepts(*type)) return type;
  return WrongType(declaration, index, "a text", *type);
}

Result<std::shared_ptr<arrow::DataType>> CoerceToInt64(
    const FunctionDeclaration& declaration, size_t index,
    const std::shared_ptr<arrow::DataType>& type) {
  if (type->id() == arrow::Type::NA || arrow::is_integer(type->id())) return arrow::int64();
  return WrongType(declaration, index, "an integer", *type);
}

Result<std::shared_ptr<arrow::DataType>> CoerceToBoolean(
    const FunctionDeclaration& declaration, size_t index,
    const std::shared_ptr<arrow::DataType>& type) {
  if (type->id() == arrow::Type::NA || type->id() == arrow::Type::BOOL) return arrow::boolean();
  return WrongType(declaration, index, "a boolean", *type);
}

std::optional<std::string> ConstantText(const ConstantVector& constants, size_t index) {
  if (index >= constants.size() || !constants[index].has_value()) return std::nullopt;
  std::shared_ptr<arrow::Scalar> scalar = *constants[index];
  if (scalar->is_valid && scalar->type->id() == arrow::Type::DICTIONARY) {
    const auto encoded = static_cast<const arrow::DictionaryScalar&>(*scalar).GetEncodedValue();
    if (!encoded.ok()) return std::nullopt;
    scalar = *encoded;
  }
  if (!scalar->is_valid || !TextColumn::Accepts(*scalar->type) ||
      scalar->type->id() == arrow::Type::NA) {
    return std::nullopt;
  }
  return std::string(static_cast<const arrow::BaseBinaryScalar&>(*scalar).view());
}

std::string TextStart(std::string_view text) {
  constexpr size_t kShownBytes = 40;
  if (text.size() <= kShownBytes) return std::string(text);
  size_t shown = kShownBytes;
  // Not within a character.
  while (shown > kShownBytes - 4 && (static_cast<uint8_t>(text[shown]) & 0xc0) == 0x80) --shown;
  return std::string(text.substr(0, shown)) + "…";
}

Status InFunction(const std::string& name, std::string_view text, const Status& status) {
  if (status.ok() || status.blame() != Blame::kUser) return status;
  return Status::User(status.code(), "{}: {}, in `{}`", name, status.message(), TextStart(text));
}

Result<std::optional<TextColumn>> OptionalText(const std::vector<FunctionValue>& arguments,
                                               size_t index) {
  if (index >= arguments.size()) return std::optional<TextColumn>();
  WEIR_ASSIGN_OR_RETURN(TextColumn texts, TextColumn::Make(arguments[index]));
  return std::optional<TextColumn>(std::move(texts));
}

}  // namespace weir
