// SPDX-License-Identifier: Apache-2.0
//
// stable_hash64, stable_hash128, stable_hash_any, stable_id…, prefixed_hash…, span_id: identities
// of rows by their content.

#include <charconv>

#include "weir/functions/call_arguments.h"
#include "weir/functions/declared_function.h"
#include "weir/functions/function_sets.h"
#include "weir/functions/identity/part_text.h"
#include "weir/functions/identity/stable_hash.h"
#include "weir/functions/result_buffers.h"
#include "weir/functions/text/one_text_function.h"
#include "weir/functions/text/unicode_text.h"
#include "weir/functions/text_column.h"

namespace weir {
namespace {

constexpr char kSeparator = '\x1f';
constexpr std::string_view kNullPart = "__NULL__";

enum class Digest { kHash64, kHash128 };

/// A pair of pieces: the decimal or hex digits of a hash.
class DigestText {
 public:
  std::string_view operator()(Digest digest, std::string_view bytes) {
    if (digest == Digest::kHash128) {
      hex_ = StableHash128(bytes);
      return {hex_.data(), hex_.size()};
    }
    const auto end = std::to_chars(hex_.data(), hex_.data() + hex_.size(), StableHash64(bytes)).ptr;
    return {hex_.data(), static_cast<size_t>(end - hex_.data())};
  }

 private:
  std::array<char, 32> hex_;
};

/// stable_hash64(s), stable_hash128(s)
class StableHash final : public OneTextFunction {
 public:
  StableHash(FunctionDeclaration declaration, Digest digest)
      : OneTextFunction(std::move(declaration)), digest_(digest) {}

  Result<std::shared_ptr<arrow::Field>> ReturnField(const FieldVector& arguments,
                                                    const ConstantVector&) const override {
    return arrow::field(name(), digest_ == Digest::kHash64 ? arrow::int64() : arrow::utf8(),
                        AnyNullable(arguments));
  }

  Result<std::shared_ptr<arrow::Array>> Compute(const TextColumn& texts,
                                                int64_t rows) const override {
    return digest_ == Digest::kHash64 ? Hash64(texts, rows) : Hash128(texts, rows);
  }

 private:
  static Result<std::shared_ptr<arrow::Array>> Hash64(const TextColumn& texts, int64_t rows) {
    WEIR_ASSIGN_OR_RETURN(auto writer, FixedColumnWriter<int64_t>::Make(rows));
    for (int64_t row = 0; row < rows; ++row) {
      if (texts.IsNull(row)) {
        WEIR_RETURN_NOT_OK(writer.SetNull(row));
      } else {
        writer.Set(row, StableHash64(texts[row]));
      }
    }
    return writer.Finish(arrow::int64());
  }

  static Result<std::shared_ptr<arrow::Array>> Hash128(const TextColumn& texts, int64_t rows) {
    WEIR_ASSIGN_OR_RETURN(auto writer, TextColumnWriter::Make(rows, rows * 32));
    for (int64_t row = 0; row < rows; ++row) {
      if (texts.IsNull(row)) {
        WEIR_RETURN_NOT_OK(writer.EndNull());
        continue;
      }
      const auto hex = StableHash128(texts[row]);
      WEIR_RETURN_NOT_OK(writer.Append({hex.data(), hex.size()}));
      WEIR_RETURN_NOT_OK(writer.EndRow());
    }
    return writer.Finish();
  }

  Digest digest_;
};

/// One part argument of a call; the text of a constant is made once.
class Part {
 public:
  static Result<Part> Make(const FunctionValue& value) {
    Part part;
    WEIR_ASSIGN_OR_RETURN(part.text_, PartText::Make(value.values));
    part.is_constant_ = value.is_constant;
    // A dictionary's NULLs may stand in its values.
    part.never_null_ = value.values->type_id() != arrow::Type::DICTIONARY &&
                       value.values->type_id() != arrow::Type::NA &&
                       value.values->null_count() == 0;
    if (value.is_constant && !part.text_->IsNull(0)) part.text_->AppendText(0, &part.constant_);
    return part;
  }
  bool IsNull(int64_t row) const { return !never_null_ && text_->IsNull(is_constant_ ? 0 : row); }
  void Append(int64_t row, std::string* out) const {
    if (is_constant_) {
      *out += constant_;
    } else {
      text_->AppendText(row, out);
    }
  }

 private:
  std::unique_ptr<PartText> text_;
  bool is_constant_ = false;
  bool never_null_ = false;
  std::string constant_;
};

/// stable_hash_any(value, canonical, null_sentinel)
class StableHashAny final : public DeclaredScalar {
 public:
  using DeclaredScalar::DeclaredScalar;

  Result<TypeVector> CoerceTypes(const TypeVector& types) const override {
    WEIR_RETURN_NOT_OK(CheckArity(declaration(), types.size(), 1, 3));
    if (!PartText::Accepts(*types[0]))
      return WrongType(declaration(), 0, "a type with a text form", *types[0]);
    TypeVector settled = {types[0]};
    if (types.size() > 1) {
      WEIR_ASSIGN_OR_RETURN(auto canonical, CoerceToBoolean(declaration(), 1, types[1]));
      settled.push_back(std::move(canonical));
    }
    if (types.size() > 2) {
      WEIR_ASSIGN_OR_RETURN(auto sentinel, CoerceToText(declaration(), 2, types[2]));
      settled.push_back(std::move(sentinel));
    }
    return settled;
  }

  Result<std::shared_ptr<arrow::Field>> ReturnField(const FieldVector& arguments,
                                                    const ConstantVector&) const override {
    const bool nullable = AnyNullable({arguments.begin() + 1, arguments.end()});
    return arrow::field(name(), arrow::utf8(), nullable);
  }

  Result<std::shared_ptr<arrow::Array>> Invoke(const std::vector<FunctionValue>& arguments,
                                               int64_t rows, const arrow::Field&) const override {
    rows = ResultRows(arguments, rows);
    WEIR_ASSIGN_OR_RETURN(const Part value, Part::Make(arguments[0]));
    const BooleanOption canonical(arguments, 1, true);
    WEIR_ASSIGN_OR_RETURN(const auto sentinels, OptionalText(arguments, 2));
    WEIR_ASSIGN_OR_RETURN(auto writer, TextColumnWriter::Make(rows, rows * 32));
    std::string text, normalized;
    for (int64_t row = 0; row < rows; ++row) {
      if (canonical.IsNull(row) || (sentinels && sentinels->IsNull(row))) {
        WEIR_RETURN_NOT_OK(writer.EndNull());
        continue;
      }
      std::string_view hashed = sentinels ? (*sentinels)[row] : kNullPart;
      if (!value.IsNull(row)) {
        text.clear();
        value.Append(row, &text);
        hashed = text;
        if (canonical[row]) {
          hashed = TrimUnicode(hashed);
          if (!IsAscii(hashed)) {
            WEIR_RETURN_NOT_OK(
                InFunction(name(), hashed, Normalize(hashed, NormalForm::kNfkc, &normalized)));
            hashed = normalized;
          }
        }
      }
      const auto hex = StableHash128(hashed);
      WEIR_RETURN_NOT_OK(writer.Append({hex.data(), hex.size()}));
      WEIR_RETURN_NOT_OK(writer.EndRow());
    }
    return writer.Finish();
  }
};

enum class NullParts { kAsText, kMakeNull };

/// Everything of the form prefix:hash.
class PrefixedId : public DeclaredScalar {
 public:
  PrefixedId(FunctionDeclaration declaration, Digest digest, NullParts null_parts)
      : DeclaredScalar(std::move(declaration)), digest_(digest), null_parts_(null_parts) {}

  Result<std::shared_ptr<arrow::Field>> ReturnField(const FieldVector& arguments,
                                                    const ConstantVector&) const override {
    const bool nullable =
        null_parts_ == NullParts::kMakeNull ? AnyNullable(arguments) : arguments[0]->nullable();
    return arrow::field(name(), arrow::utf8(), nullable);
  }

  Result<TypeVector> CoerceTypes(const TypeVector& types) const override {
    WEIR_RETURN_NOT_OK(CheckArity(declaration(), types.size(), 2, SIZE_MAX));
    TypeVector settled = types;
    WEIR_ASSIGN_OR_RETURN(settled[0], CoerceToText(declaration(), 0, types[0]));
    for (size_t i = 1; i < types.size(); ++i) {
      if (!PartText::Accepts(*types[i])) {
        return Status::User(StatusCode::kInvalidArgument,
                            "{}: argument {} has a type without text form, `{}`; cast it first",
                            name(), i + 1, types[i]->ToString());
      }
    }
    return settled;
  }

  Result<std::shared_ptr<arrow::Array>> Invoke(const std::vector<FunctionValue>& arguments,
                                               int64_t rows, const arrow::Field&) const override {
    rows = ResultRows(arguments, rows);
    WEIR_ASSIGN_OR_RETURN(const TextColumn prefix, TextColumn::Make(arguments[0]));
    std::vector<Part> parts;
    for (size_t i = 1; i < arguments.size(); ++i) {
      WEIR_ASSIGN_OR_RETURN(Part part, Part::Make(arguments[i]));
      parts.push_back(std::move(part));
    }
    WEIR_ASSIGN_OR_RETURN(auto writer, TextColumnWriter::Make(rows, rows * 48));
    std::string bytes;
    DigestText digest_text;
    for (int64_t row = 0; row < rows; ++row) {
      if (prefix.IsNull(row) || !Join(parts, row, &bytes)) {
        WEIR_RETURN_NOT_OK(writer.EndNull());
        continue;
      }
      WEIR_RETURN_NOT_OK(Write(prefix[row], digest_text(digest_, bytes), &writer));
    }
    return writer.Finish();
  }

 private:
  static Status Write(std::string_view prefix, std::string_view digest, TextColumnWriter* writer) {
    const size_t length = prefix.size() + 1 + digest.size();
    WEIR_ASSIGN_OR_RETURN(char* out, writer->Room(static_cast<int64_t>(length)));
    out = std::copy(prefix.begin(), prefix.end(), out);
    *out++ = ':';
    std::copy(digest.begin(), digest.end(), out);
    writer->Advance(static_cast<int64_t>(length));
    return writer->EndRow();
  }

  /// Writes the bytes to hash; returns false if the result is NULL.
  bool Join(const std::vector<Part>& parts, int64_t row, std::string* bytes) const {
    bytes->clear();
    for (size_t i = 0; i < parts.size(); ++i) {
      if (i > 0) *bytes += kSeparator;
      if (!parts[i].IsNull(row)) {
        parts[i].Append(row, bytes);
      } else if (null_parts_ == NullParts::kMakeNull) {
        return false;
      } else {
        *bytes += kNullPart;
      }
    }
    return true;
  }

  Digest digest_;
  NullParts null_parts_;
};

/// span_id(prefix, path, bstart, bend, kind): parts with names.
class SpanId final : public PrefixedId {
 public:
  explicit SpanId(FunctionDeclaration declaration)
      : PrefixedId(std::move(declaration), Digest::kHash128, NullParts::kAsText) {}

  Result<TypeVector> CoerceTypes(const TypeVector& types) const override {
    WEIR_RETURN_NOT_OK(CheckArity(declaration(), types.size(), 4, 5));
    TypeVector settled;
    for (size_t i = 0; i < types.size(); ++i) {
      const bool is_bound = i == 2 || i == 3;
      WEIR_ASSIGN_OR_RETURN(auto type, is_bound ? CoerceToInt64(declaration(), i, types[i])
                                                : CoerceToText(declaration(), i, types[i]));
      settled.push_back(std::move(type));
    }
    return settled;
  }
};

FunctionDeclaration HashDeclaration(std::string name, std::string description, std::string result) {
  FunctionDeclaration declaration;
  declaration.example = name + "('abc')";
  declaration.name = std::move(name);
  declaration.tags = {"deterministic", "hash"};
  declaration.description = std::move(description);
  declaration.arguments = {{"s", "text", "The text to hash, byte by byte."}};
  declaration.signatures = TextSignatures(1);
  declaration.result_type = std::move(result);
  declaration.null_handling = "NULL if s is NULL.";
  declaration.strict = true;
  return declaration;
}

constexpr char kPrefixDescription[] =
    "Kind of the thing; stands before the colon and is not hashed.";

FunctionDeclaration TextIdDeclaration(std::string name, std::string description) {
  FunctionDeclaration declaration;
  declaration.example = name + "('file', 'src/a.py')";
  declaration.name = std::move(name);
  declaration.tags = {"deterministic", "hash", "id"};
  declaration.description = std::move(description);
  declaration.arguments = {{"prefix", "text", kPrefixDescription},
                           {"s", "text", "The text to hash."}};
  declaration.signatures = TextSignatures(2);
  declaration.result_type = "text";
  declaration.null_handling = "NULL if prefix or s is NULL.";
  declaration.strict = true;
  return declaration;
}

FunctionDeclaration PartsIdDeclaration(std::string name, std::string description) {
  FunctionDeclaration declaration;
  declaration.example = name + "('cst_def', 'a.py', 0, 10)";
  declaration.name = std::move(name);
  declaration.tags = {"deterministic", "hash", "id"};
  declaration.description = std::move(description);
  declaration.arguments = {
      {"prefix", "text", kPrefixDescription},
      {"part", "any",
       "A value that identifies the thing. All parts are hashed in their text form, in order."}};
  declaration.variadic = true;
  declaration.signature_kind = SignatureKind::kUserDefined;
  declaration.signatures = {{arrow::utf8(), arrow::utf8()},
                            {arrow::utf8(), arrow::utf8(), arrow::int64(), arrow::int64()}};
  declaration.result_type = "text";
  declaration.null_handling = "NULL if prefix is NULL. A NULL part is hashed as the text __NULL__.";
  return declaration;
}

FunctionDeclaration HashAnyDeclaration() {
  FunctionDeclaration declaration;
  declaration.name = "stable_hash_any";
  declaration.tags = {"deterministic", "hash"};
  declaration.description =
      "128-bit BLAKE2b hash of the text form of any value, as 32 hex digits. The canonical form is "
      "without white space at "
      "both ends and in NFKC.";
  declaration.arguments = {
      {"value", "any", "What to hash."},
      {"canonical", "boolean", "Whether the canonical form is hashed.", "true"},
      {"null_sentinel", "text", "The text that is hashed, as it is, for NULL.", "'__NULL__'"}};
  declaration.signature_kind = SignatureKind::kUserDefined;
  declaration.signatures = {{arrow::utf8()}, {arrow::int64(), arrow::boolean(), arrow::utf8()}};
  declaration.result_type = "text";
  declaration.null_handling =
      "A NULL value hashes null_sentinel; NULL if canonical or null_sentinel is NULL.";
  declaration.example = "stable_hash_any(' abc ', null_sentinel => '-')";
  return declaration;
}

FunctionDeclaration SpanIdDeclaration() {
  FunctionDeclaration declaration;
  declaration.name = "span_id";
  declaration.tags = {"deterministic", "hash", "id", "span"};
  declaration.description =
      "Identity of a range of a file, `prefix:hash128`: as stable_id_parts of path, bstart, bend "
      "and, if given, kind.";
  declaration.arguments = {
      {"prefix", "text", kPrefixDescription},
      {"path", "text", "The file."},
      {"bstart", "int64", "Offset of the first unit."},
      {"bend", "int64", "Offset of the end."},
      {"kind", "text", "Kind of the range, where several kinds may have the same bounds.",
       std::nullopt, /*optional=*/true}};
  declaration.signature_kind = SignatureKind::kUserDefined;
  declaration.signatures = {
      {arrow::utf8(), arrow::utf8(), arrow::int64(), arrow::int64()},
      {arrow::utf8(), arrow::utf8(), arrow::int64(), arrow::int64(), arrow::utf8()}};
  declaration.result_type = "text";
  declaration.null_handling =
      "NULL if prefix is NULL. Any other NULL is hashed as the text __NULL__.";
  declaration.example = "span_id('cst_def', 'a.py', 0, 10)";
  return declaration;
}

}  // namespace

void AddIdentityFunctions(ScalarFunctions* functions) {
  FunctionDeclaration hash64 =
      HashDeclaration("stable_hash64", "64-bit BLAKE2b hash of a text, never negative.", "int64");
  hash64.bounds = IntegerRange{.lower = 0};
  functions->push_back(std::make_shared<StableHash>(std::move(hash64), Digest::kHash64));
  functions->push_back(std::make_shared<StableHash>(
      HashDeclaration("stable_hash128", "128-bit BLAKE2b hash of a text as 32 hex digits.", "text"),
      Digest::kHash128));
  functions->push_back(std::make_shared<StableHashAny>(HashAnyDeclaration()));
  functions->push_back(std::make_shared<SpanId>(SpanIdDeclaration()));
  functions->push_back(std::make_shared<PrefixedId>(
      TextIdDeclaration("stable_id", "Identity of a thing by one text: `prefix:hash128`."),
      Digest::kHash128, NullParts::kMakeNull));
  functions->push_back(std::make_shared<PrefixedId>(
      TextIdDeclaration("prefixed_hash64", "Short identity by one text: `prefix:hash64`."),
      Digest::kHash64, NullParts::kMakeNull));
  functions->push_back(std::make_shared<PrefixedId>(
      PartsIdDeclaration("stable_id_parts", "Identity of a thing by its parts: `prefix:hash128`."),
      Digest::kHash128, NullParts::kAsText));
  functions->push_back(std::make_shared<PrefixedId>(
      PartsIdDeclaration("prefixed_hash_parts64", "Short identity by parts: `prefix:hash64`."),
      Digest::kHash64, NullParts::kAsText));
  FunctionDeclaration required = PartsIdDeclaration(
      "stable_id_parts_required", "As stable_id_parts, for parts that must be there.");
  required.null_handling = "NULL if prefix or any part is NULL.";
  required.strict = true;
  functions->push_back(
      std::make_shared<PrefixedId>(std::move(required), Digest::kHash128, NullParts::kMakeNull));
}

}  // namespace weir
