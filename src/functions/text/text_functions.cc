// SPDX-License-Identifier: Apache-2.0
//
// utf8_normalize, utf8_null_if_blank, qname_normalize: one spelling for texts and names that mean
// the same.

#include <algorithm>

#include "weir/base/ascii_text.h"
#include "weir/functions/call_arguments.h"
#include "weir/functions/declared_function.h"
#include "weir/functions/function_sets.h"
#include "weir/functions/result_buffers.h"
#include "weir/functions/text/ascii_normal.h"
#include "weir/functions/text/one_text_function.h"
#include "weir/functions/text/unicode_text.h"
#include "weir/functions/text_column.h"

namespace weir {
namespace {

struct NormalizeOptions {
  NormalForm form = NormalForm::kNfkc;
  bool casefold = true;
  bool collapse_ws = true;
};

/// Normalises one text after the other; keeps its scratch memory.
class TextNormalizer {
 public:
  /// The normalised text, empty if nothing is left; valid until the next call.
  Result<std::string_view> operator()(std::string_view text, const NormalizeOptions& options) {
    if (IsAscii(text)) return Ascii(text, options);
    text = TrimUnicode(text);
    WEIR_RETURN_NOT_OK(Normalize(text, options.form, &current_));
    if (options.casefold) {
      WEIR_RETURN_NOT_OK(FoldCase(current_, &next_));
      std::swap(current_, next_);
    }
    if (options.collapse_ws) {
      CollapseWhiteSpace(current_, &next_);
      std::swap(current_, next_);
    }
    return std::string_view(current_);
  }

 private:
  /// Every normal form leaves ASCII as it is.
  std::string_view Ascii(std::string_view text, const NormalizeOptions& options) {
    current_.clear();
    for (char c : TrimAscii(text)) {
      if (options.casefold && c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
      if (options.collapse_ws && IsAsciiSpace(c)) {
        if (current_.back() == ' ') continue;
        c = ' ';
      }
      current_ += c;
    }
    return current_;
  }

  std::string current_, next_;
};

/// Ends the row with the normal form of a text of plain ASCII. Returns false, having written
/// nothing, for texts that need more care.
Result<bool> WriteAscii(std::string_view text, const NormalizeOptions& options,
                        TextColumnWriter* writer) {
  text = TrimAscii(text);
  if (text.empty()) return false;
  WEIR_ASSIGN_OR_RETURN(char* const out, writer->Room(static_cast<int64_t>(text.size())));
  const auto length = AsciiNormal{options.casefold, options.collapse_ws}.Write(text, out);
  if (!length) return false;
  writer->Advance(static_cast<int64_t>(*length));
  WEIR_RETURN_NOT_OK(writer->EndRow());
  return true;
}

class Utf8Normalize final : public DeclaredScalar {
 public:
  using DeclaredScalar::DeclaredScalar;

  Result<TypeVector> CoerceTypes(const TypeVector& types) const override {
    WEIR_RETURN_NOT_OK(CheckArity(declaration(), types.size(), 1, 4));
    TypeVector settled;
    for (size_t i = 0; i < types.size(); ++i) {
      WEIR_ASSIGN_OR_RETURN(auto type, i < 2 ? CoerceToText(declaration(), i, types[i])
                                             : CoerceToBoolean(declaration(), i, types[i]));
      settled.push_back(std::move(type));
    }
    return settled;
  }

  Result<std::shared_ptr<arrow::Field>> ReturnField(
      const FieldVector&, const ConstantVector& constants) const override {
    if (const auto form = ConstantText(constants, 1)) WEIR_RETURN_NOT_OK(FindForm(*form).status());
    return arrow::field(name(), arrow::utf8(), /*nullable=*/true);
  }

  Result<std::shared_ptr<arrow::Array>> Invoke(const std::vector<FunctionValue>& arguments,
                                               int64_t rows, const arrow::Field&) const override {
    rows = ResultRows(arguments, rows);
    WEIR_ASSIGN_OR_RETURN(const TextColumn texts, TextColumn::Make(arguments[0]));
    WEIR_ASSIGN_OR_RETURN(const auto forms, OptionalText(arguments, 1));
    const BooleanOption casefold(arguments, 2, true);
    const BooleanOption collapse_ws(arguments, 3, true);
    NormalizeOptions options;
    if (forms && forms->is_constant() && !forms->IsNull(0)) {
      WEIR_ASSIGN_OR_RETURN(options.form, FindForm((*forms)[0]));
    }
    WEIR_ASSIGN_OR_RETURN(auto writer,
                          TextColumnWriter::Make(rows, arguments[0].values->length() * 16));
    TextNormalizer normalizer;
    for (int64_t row = 0; row < rows; ++row) {
      if (texts.IsNull(row) || (forms && forms->IsNull(row)) || casefold.IsNull(row) ||
          collapse_ws.IsNull(row)) {
        WEIR_RETURN_NOT_OK(writer.EndNull());
        continue;
      }
      if (forms && !forms->is_constant()) {
        WEIR_ASSIGN_OR_RETURN(options.form, FindForm((*forms)[row]));
      }
      options.casefold = casefold[row];
      options.collapse_ws = collapse_ws[row];
      const std::string_view text = texts[row];
      WEIR_ASSIGN_OR_RETURN(const bool is_written, WriteAscii(text, options, &writer));
      if (is_written) continue;
      const auto normalized = normalizer(text, options);
      WEIR_RETURN_NOT_OK(InFunction(name(), text, normalized.status()));
      if (normalized->empty()) {
        WEIR_RETURN_NOT_OK(writer.EndNull());
        continue;
      }
      WEIR_RETURN_NOT_OK(writer.Append(*normalized));
      WEIR_RETURN_NOT_OK(writer.EndRow());
    }
    return writer.Finish();
  }

 private:
  Result<NormalForm> FindForm(std::string_view text) const {
    const auto form = FindNormalForm(text);
    if (form) return *form;
    return Status::User(StatusCode::kInvalidArgument,
                        "{}: form wants NFC, NFD, NFKC or NFKD, found `{}`", declaration().Syntax(),
                        TextStart(text));
  }
};

constexpr char kNullIfBlank[] = "utf8_null_if_blank";

class Utf8NullIfBlank final : public OneTextFunction {
 public:
  using OneTextFunction::OneTextFunction;

  std::optional<RewrittenExpression> Simplify(
      const std::vector<PlannedExpression>& arguments) const override {
    if (arguments[0].function != kNullIfBlank) return std::nullopt;
    return RewrittenExpression::Argument(0);
  }

  Result<std::shared_ptr<arrow::Field>> ReturnField(const FieldVector&,
                                                    const ConstantVector&) const override {
    return arrow::field(name(), arrow::utf8(), /*nullable=*/true);
  }
  Result<std::shared_ptr<arrow::Array>> Compute(const TextColumn& texts,
                                                int64_t rows) const override {
    WEIR_ASSIGN_OR_RETURN(auto writer, TextColumnWriter::Make(rows, rows * 16));
    for (int64_t row = 0; row < rows; ++row) {
      const std::string_view trimmed =
          texts.IsNull(row) ? std::string_view() : TrimUnicode(texts[row]);
      if (trimmed.empty()) {
        WEIR_RETURN_NOT_OK(writer.EndNull());
      } else {
        WEIR_RETURN_NOT_OK(writer.Append(trimmed));
        WEIR_RETURN_NOT_OK(writer.EndRow());
      }
    }
    return writer.Finish();
  }
};

/// How a language spells qualified names.
struct NameRules {
  bool folds_case = false;
  /// What parts a qualified name besides the point; empty: nothing.
  std::string_view separator;
};

NameRules FindNameRules(std::string_view lang) {
  struct Language {
    std::string_view name;
    NameRules rules;
  };
  static constexpr Language kLanguages[] = {
      {"sql", {true, ""}},       {"pascal", {true, ""}},   {"fortran", {true, "%"}},
      {"ada", {true, ""}},       {"basic", {true, ""}},    {"c++", {false, "::"}},
      {"cpp", {false, "::"}},    {"rust", {false, "::"}},  {"ruby", {false, "::"}},
      {"perl", {false, "::"}},   {"php", {false, "\\"}},   {"tcl", {false, "::"}},
      {"r", {false, "::"}},      {"erlang", {false, ":"}}, {"lua", {false, ":"}},
      {"clojure", {false, "/"}},
  };
  while (!lang.empty() && lang.front() == ' ') lang.remove_prefix(1);
  while (!lang.empty() && lang.back() == ' ') lang.remove_suffix(1);
  for (const Language& language : kLanguages) {
    if (EqualsIgnoringAsciiCase(lang, language.name)) return language.rules;
  }
  return {};
}

class QnameNormalize final : public DeclaredScalar {
 public:
  using DeclaredScalar::DeclaredScalar;

  Result<TypeVector> CoerceTypes(const TypeVector& types) const override {
    WEIR_RETURN_NOT_OK(CheckArity(declaration(), types.size(), 1, 3));
    TypeVector settled;
    for (size_t i = 0; i < types.size(); ++i) {
      WEIR_ASSIGN_OR_RETURN(auto type, CoerceToText(declaration(), i, types[i]));
      settled.push_back(std::move(type));
    }
    return settled;
  }
  Result<std::shared_ptr<arrow::Field>> ReturnField(const FieldVector& arguments,
                                                    const ConstantVector&) const override {
    return arrow::field(name(), arrow::utf8(), arguments[0]->nullable());
  }

  Result<std::shared_ptr<arrow::Array>> Invoke(const std::vector<FunctionValue>& arguments,
                                               int64_t rows, const arrow::Field&) const override {
    rows = ResultRows(arguments, rows);
    WEIR_ASSIGN_OR_RETURN(const TextColumn symbols, TextColumn::Make(arguments[0]));
    WEIR_ASSIGN_OR_RETURN(const auto modules, OptionalText(arguments, 1));
    WEIR_ASSIGN_OR_RETURN(const auto languages, OptionalText(arguments, 2));
    const auto rules_of = [&](int64_t row) {
      return languages && !languages->IsNull(row) ? FindNameRules((*languages)[row]) : NameRules();
    };
    const bool constant_language = !languages || languages->is_constant();
    NameRules rules = constant_language ? rules_of(0) : NameRules();
    WEIR_ASSIGN_OR_RETURN(auto writer,
                          TextColumnWriter::Make(rows, arguments[0].values->length() * 24));
    std::string qualified, folded;
    for (int64_t row = 0; row < rows; ++row) {
      if (symbols.IsNull(row)) {
        WEIR_RETURN_NOT_OK(writer.EndNull());
        continue;
      }
      if (!constant_language) rules = rules_of(row);
      const std::string_view module =
          modules && !modules->IsNull(row) ? (*modules)[row] : std::string_view();
      Qualify(symbols[row], module, rules, &qualified);
      if (rules.folds_case) {
        WEIR_RETURN_NOT_OK(InFunction(name(), symbols[row], FoldCase(qualified, &folded)));
        std::swap(qualified, folded);
      }
      WEIR_RETURN_NOT_OK(writer.Append(qualified));
      WEIR_RETURN_NOT_OK(writer.EndRow());
    }
    return writer.Finish();
  }

 private:
  static void Qualify(std::string_view symbol, std::string_view module, const NameRules& rules,
                      std::string* out) {
    const bool is_qualified =
        symbol.find('.') != std::string_view::npos ||
        (!rules.separator.empty() && symbol.find(rules.separator) != std::string_view::npos);
    out->clear();
    if (!is_qualified && !TrimUnicode(module).empty()) {
      *out += module;
      *out += '.';
    }
    *out += symbol;
  }
};

FunctionDeclaration DeclareNormalize() {
  FunctionDeclaration declaration;
  declaration.name = "utf8_normalize";
  declaration.tags = {"deterministic", "string_norm"};
  declaration.description =
      "One spelling for texts that mean the same. In this order: white space at both ends is cut "
      "off, the text is brought into "
      "a Unicode normal form, case is folded (ß becomes ss), and each run of white space becomes "
      "one space.";
  declaration.arguments = {
      {"s", "text", "The text."},
      {"form", "text", "Unicode normal form: NFC, NFD, NFKC or NFKD.", "'NFKC'"},
      {"casefold", "boolean", "Whether case is folded.", "true"},
      {"collapse_ws", "boolean", "Whether runs of white space become one space.", "true"}};
  declaration.signature_kind = SignatureKind::kUserDefined;
  declaration.signatures = {{arrow::utf8()},
                            {arrow::utf8(), arrow::utf8(), arrow::boolean(), arrow::boolean()}};
  declaration.result_type = "text";
  declaration.null_handling = "NULL if any argument is NULL, and if nothing is left of the text.";
  declaration.example = "utf8_normalize('  Straße   Nr. ﬁve ', casefold => false)";
  declaration.strict = true;
  return declaration;
}

FunctionDeclaration DeclareNullIfBlank() {
  FunctionDeclaration declaration;
  declaration.name = kNullIfBlank;
  declaration.simplification = "What utf8_null_if_blank returned stays as it is.";
  declaration.tags = {"deterministic", "string_norm"};
  declaration.description = "The text without Unicode white space at both ends.";
  declaration.arguments = {{"s", "text", "The text."}};
  declaration.signature_kind = SignatureKind::kUserDefined;
  declaration.signatures = {{arrow::utf8()}};
  declaration.result_type = "text";
  declaration.null_handling = "NULL if s is NULL, empty or nothing but white space.";
  declaration.example = "utf8_null_if_blank('  ')";
  declaration.strict = true;
  return declaration;
}

FunctionDeclaration DeclareQname() {
  FunctionDeclaration declaration;
  declaration.name = "qname_normalize";
  declaration.tags = {"deterministic", "string_norm", "symbol"};
  declaration.description =
      "The qualified name of a symbol. The symbol itself if it is qualified already (has a `.` "
      "or "
      "the separator of its "
      "language, as `::` of C++) or module is blank, else `module.symbol`. Case is folded for "
      "languages that ignore it: sql, "
      "pascal, fortran, ada, basic.";
  declaration.arguments = {
      {"symbol", "text", "The name, qualified or not."},
      {"module", "text", "Where the symbol is defined.", "NULL"},
      {"lang", "text", "The language, in any case; NULL or unknown keeps case.", "NULL"}};
  declaration.signature_kind = SignatureKind::kUserDefined;
  declaration.signatures = {{arrow::utf8(), arrow::utf8(), arrow::utf8()}};
  declaration.result_type = "text";
  declaration.null_handling = "NULL if symbol is NULL; a NULL module is blank.";
  declaration.example = "qname_normalize('parse', 'app.io', 'python')";
  return declaration;
}

}  // namespace

void AddTextFunctions(ScalarFunctions* functions) {
  functions->push_back(std::make_shared<Utf8Normalize>(DeclareNormalize()));
  functions->push_back(std::make_shared<Utf8NullIfBlank>(DeclareNullIfBlank()));
  functions->push_back(std::make_shared<QnameNormalize>(DeclareQname()));
}

}  // namespace weir
