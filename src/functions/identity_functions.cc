// SPDX-License-Identifier: Apache-2.0
//
// stable_hash64, stable_hash128, stable_id…, prefixed_hash…: identities of rows by their content.

#include <charconv>

#include "weir/functions/declared_function.h"
#include "weir/functions/function_sets.h"
#include "weir/functions/part_text.h"
#include "weir/functions/result_buffers.h"
#include "weir/functions/stable_hash.h"
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
class StableHash final : public DeclaredScalar {
 public:
  StableHash(FunctionDeclaration declaration, Digest digest)
      : DeclaredScalar(std::move(declaration)), digest_(digest) {}

  Result<std::shared_ptr<arrow::Field>> ReturnField(const FieldVector& arguments,
                                                    const ConstantVector&) const override {
    return arrow::field(name(), digest_ == Digest::kHash64 ? arrow::int64() : arrow::utf8(),
                        AnyNullable(arguments));
  }

  Result<std::shared_ptr<arrow::Array>> Invoke(const std::vector<FunctionValue>& arguments,
                                               int64_t rows, const arrow::Field&) const override {
    WEIR_ASSIGN_OR_RETURN(const TextColumn texts, TextColumn::Make(arguments[0]));
    rows = ResultRows(arguments, rows);
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
    if (value.is_constant && !part.text_->IsNull(0)) part.text_->AppendText(0, &part.constant_);
    return part;
  }
  bool IsNull(int64_t row) const { return text_->IsNull(is_constant_ ? 0 : row); }
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
  std::string constant_;
};

enum class NullParts { kAsText, kMakeNull };

/// Everything of the form prefix:hash.
class PrefixedId final : public DeclaredScalar {
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
    if (types.size() < 2) {
      return Status::User(StatusCode::kInvalidArgument,
                          "{} takes a prefix and at least one part, found {} arguments",
                          declaration().Syntax(), types.size());
    }
    TypeVector settled = types;
    if (!TextColumn::Accepts(*types[0]) || types[0]->id() == arrow::Type::NA) {
      settled[0] = arrow::utf8();
    }
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
      WEIR_RETURN_NOT_OK(writer.Append(prefix[row]));
      WEIR_RETURN_NOT_OK(writer.Append(":"));
      WEIR_RETURN_NOT_OK(writer.Append(digest_text(digest_, bytes)));
      WEIR_RETURN_NOT_OK(writer.EndRow());
    }
    return writer.Finish();
  }

 private:
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

}  // namespace

void AddIdentityFunctions(ScalarFunctions* functions) {
  functions->push_back(std::make_shared<StableHash>(
      HashDeclaration("stable_hash64", "64-bit BLAKE2b hash of a text, never negative.", "int64"),
      Digest::kHash64));
  functions->push_back(std::make_shared<StableHash>(
      HashDeclaration("stable_hash128", "128-bit BLAKE2b hash of a text as 32 hex digits.", "text"),
      Digest::kHash128));
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
