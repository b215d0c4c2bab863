// SPDX-License-Identifier: Apache-2.0
//
// position_encoding_norm, col_to_byte: columns of a line, counted in different units.

#include "weir/base/ascii_text.h"
#include "weir/functions/call_arguments.h"
#include "weir/functions/declared_function.h"
#include "weir/functions/function_sets.h"
#include "weir/functions/result_buffers.h"
#include "weir/functions/text/one_text_function.h"
#include "weir/functions/text_column.h"

namespace weir {
namespace {

/// The numbers that position_encoding_norm returns.
enum PositionEncoding : int32_t { kByteOffset = 0, kUtf8 = 1, kUtf16 = 2, kUtf32 = 3 };

/// Without hyphens and case; nullopt for anything unknown.
std::optional<PositionEncoding> FindEncoding(std::string_view text) {
  std::string name;
  for (const char c : text) {
    if (c != '-') name += static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
    if (name.size() > 5) return std::nullopt;
  }
  if (name == "utf8") return kUtf8;
  if (name == "utf16") return kUtf16;
  if (name == "utf32") return kUtf32;
  return std::nullopt;
}

class PositionEncodingNorm final : public OneTextFunction {
 public:
  using OneTextFunction::OneTextFunction;

  Result<std::shared_ptr<arrow::Field>> ReturnField(const FieldVector&,
                                                    const ConstantVector&) const override {
    return arrow::field(name(), arrow::int32(), /*nullable=*/false);
  }
  Result<std::shared_ptr<arrow::Array>> Compute(const TextColumn& texts,
                                                int64_t rows) const override {
    WEIR_ASSIGN_OR_RETURN(auto writer, FixedColumnWriter<int32_t>::Make(rows));
    for (int64_t row = 0; row < rows; ++row) {
      writer.Set(row, texts.IsNull(row) ? kUtf32 : FindEncoding(texts[row]).value_or(kUtf32));
    }
    return writer.Finish(arrow::int32());
  }
};

/// Bytes of the character that begins with `lead`; bytes that begin none count as one.
size_t CharacterBytes(uint8_t lead) {
  if (lead >= 0xf0 && lead < 0xf8) return 4;
  if (lead >= 0xe0) return lead < 0xf0 ? 3 : 1;
  return lead >= 0xc2 ? 2 : 1;
}

/// Byte offset of column `col` of `line`.
int64_t ByteOffset(std::string_view line, int64_t col, PositionEncoding unit) {
  const int64_t length = static_cast<int64_t>(line.size());
  if (col <= 0) return 0;
  if (unit == kByteOffset || unit == kUtf8 || col >= length) return std::min(col, length);
  size_t offset = 0;
  for (int64_t units = 0; offset < line.size();) {
    const size_t bytes = CharacterBytes(static_cast<uint8_t>(line[offset]));
    units += unit == kUtf16 && bytes == 4 ? 2 : 1;
    if (units > col) break;
    offset = std::min(offset + bytes, line.size());
  }
  return static_cast<int64_t>(offset);
}

class ColToByte final : public DeclaredScalar {
 public:
  using DeclaredScalar::DeclaredScalar;

  Result<TypeVector> CoerceTypes(const TypeVector& types) const override {
    WEIR_RETURN_NOT_OK(CheckArity(declaration(), types.size(), 3, 3));
    WEIR_ASSIGN_OR_RETURN(auto line, CoerceToText(declaration(), 0, types[0]));
    WEIR_ASSIGN_OR_RETURN(auto col, CoerceToInt64(declaration(), 1, types[1]));
    WEIR_ASSIGN_OR_RETURN(auto unit, CoerceToText(declaration(), 2, types[2]));
    return TypeVector{std::move(line), std::move(col), std::move(unit)};
  }

  Result<std::shared_ptr<arrow::Field>> ReturnField(
      const FieldVector& arguments, const ConstantVector& constants) const override {
    if (const auto unit = ConstantText(constants, 2)) WEIR_RETURN_NOT_OK(FindUnit(*unit).status());
    return arrow::field(name(), arrow::int64(), AnyNullable(arguments));
  }

  Result<std::shared_ptr<arrow::Array>> Invoke(const std::vector<FunctionValue>& arguments,
                                               int64_t rows, const arrow::Field&) const override {
    rows = ResultRows(arguments, rows);
    WEIR_ASSIGN_OR_RETURN(const TextColumn lines, TextColumn::Make(arguments[0]));
    const Int64Column cols(arguments[1]);
    WEIR_ASSIGN_OR_RETURN(const TextColumn units, TextColumn::Make(arguments[2]));
    PositionEncoding unit = kByteOffset;
    if (units.is_constant() && !units.IsNull(0)) {
      WEIR_ASSIGN_OR_RETURN(unit, FindUnit(units[0]));
    }
    WEIR_ASSIGN_OR_RETURN(auto writer, FixedColumnWriter<int64_t>::Make(rows));
    for (int64_t row = 0; row < rows; ++row) {
      if (lines.IsNull(row) || cols.IsNull(row) || units.IsNull(row)) {
        WEIR_RETURN_NOT_OK(writer.SetNull(row));
        continue;
      }
      if (!units.is_constant()) {
        WEIR_ASSIGN_OR_RETURN(unit, FindUnit(units[row]));
      }
      writer.Set(row, ByteOffset(lines[row], cols[row], unit));
    }
    return writer.Finish(arrow::int64());
  }

 private:
  Result<PositionEncoding> FindUnit(std::string_view text) const {
    if (EqualsIgnoringAsciiCase(text, "byte")) return kByteOffset;
    if (const auto encoding = FindEncoding(text)) return *encoding;
    return Status::User(StatusCode::kInvalidArgument,
                        "{}: unit wants byte, utf8, utf16 or utf32, found `{}`",
                        declaration().Syntax(), TextStart(text));
  }
};

FunctionDeclaration DeclareEncoding() {
  FunctionDeclaration declaration;
  declaration.name = "position_encoding_norm";
  declaration.tags = {"deterministic", "position_encoding"};
  declaration.description =
      "Number of a position encoding: 1 for UTF-8, 2 for UTF-16, 3 for UTF-32 and for anything "
      "unknown. Hyphens and case do "
      "not matter.";
  declaration.arguments = {{"s", "text", "Name of the encoding."}};
  declaration.signature_kind = SignatureKind::kUserDefined;
  declaration.signatures = {{arrow::utf8()}};
  declaration.result_type = "int32";
  declaration.bounds = IntegerRange{.bits = 32, .lower = 1, .upper = 3};
  declaration.null_handling = "3 if s is NULL.";
  declaration.example = "position_encoding_norm('UTF-16')";
  return declaration;
}

FunctionDeclaration DeclareColToByte() {
  FunctionDeclaration declaration;
  declaration.name = "col_to_byte";
  declaration.tags = {"deterministic", "position_encoding"};
  declaration.description =
      "Byte offset of a column of a line. A negative column is the start of the line, one past the "
      "end is its end, and one "
      "inside a surrogate pair the start of that character.";
  declaration.arguments = {
      {"line_text", "text", "The line."},
      {"col", "int64", "The column, counted from 0."},
      {"unit", "text",
       "What the column counts: byte, utf8, utf16 or utf32 (characters); hyphens and case "
       "do not matter."}};
  declaration.signature_kind = SignatureKind::kUserDefined;
  declaration.signatures = {{arrow::utf8(), arrow::int64(), arrow::utf8()}};
  declaration.result_type = "int64";
  declaration.bounds = IntegerRange{.lower = 0};
  declaration.rises_with = 1;
  declaration.null_handling = "NULL if any argument is NULL.";
  declaration.example = "col_to_byte('naïve', 3, 'utf16')";
  declaration.strict = true;
  return declaration;
}

}  // namespace

void AddPositionFunctions(ScalarFunctions* functions) {
  functions->push_back(std::make_shared<PositionEncodingNorm>(DeclareEncoding()));
  functions->push_back(std::make_shared<ColToByte>(DeclareColToByte()));
}

}  // namespace weir
