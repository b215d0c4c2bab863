// SPDX-License-Identifier: Apache-2.0
//
// Every scalar function on what rarely comes: empty batches, columns of NULLs, single constants and
// slices in each encoding; texts of megabytes; bytes that are no UTF-8; values nested ten levels
// deep. The models say what is right; a function without a case fails.

#include <map>
#include <set>

#include "weir/functions/scalar_model_testing.h"
#include "weir/functions/text/naive_text_testing.h"

namespace weir::testing {
namespace {

constexpr size_t kLongBytes = 5 << 18;

bool IsText(const Parameter& parameter) { return parameter.types[0]->id() == arrow::Type::STRING; }

/// The arguments of a batch in their plainest form; argument `special` as given.
std::vector<Argument> DrawArguments(Random& random, const Model& model, size_t rows, size_t special,
                                    ArgumentForm form) {
  std::vector<Argument> arguments;
  for (size_t i = 0; i < model.parameters.size(); ++i) {
    const Parameter& parameter = model.parameters[i];
    const bool constant = i >= model.only_constant_from;
    arguments.push_back(DrawArgument(
        random, parameter, rows,
        i == special && !constant ? form : ArgumentForm{parameter.types[0], constant, 0, 0, 0}));
  }
  return arguments;
}

TEST(HardInputs, EachEncodingEmptyNullConstantAndSliced) {
  Random random(11);
  for (const Model& model : AllModels()) {
    const auto function = Scalar(model.name);
    for (size_t i = 0; i < model.parameters.size(); ++i) {
      for (const auto& type : model.parameters[i].types) {
        const std::pair<const char*, std::pair<size_t, ArgumentForm>> forms[] = {
            {"empty", {0, {type, false, 0, 0, 0}}},
            {"empty slice", {0, {type, false, 0, 5, 5}}},
            {"NULLs", {20, {type, false, 100, 0, 0}}},
            {"slice of NULLs", {20, {type, false, 100, 9, 2}}},
            {"one row", {1, {type, false, 0, 0, 0}}},
            {"slice", {20, {type, false, 20, 13, 4}}},
            {"no NULLs", {20, {type, false, 0, 0, 0}}},
            {"constant", {20, {type, true, 0, 0, 0}}},
            {"constant NULL", {20, {type, true, 100, 0, 0}}},
        };
        for (const auto& [name, batch] : forms) {
          const auto& [rows, form] = batch;
          SCOPED_TRACE(
              fmt::format("{} argument {} as {}, {}", model.name, i, type->ToString(), name));
          CheckBatch(model, *function, DrawArguments(random, model, rows, i, form), rows);
          if (HasFailure()) return;
        }
      }
    }
  }
}

/// A column without a type, as the literal NULL has, is settled and cast before a function sees it.
TEST(HardInputs, NullsWithoutTypeAreSettled) {
  for (const Model& model : AllModels()) {
    const auto function = Scalar(model.name);
    if (function->declaration().signature_kind != SignatureKind::kUserDefined) continue;
    TypeVector types;
    for (const Parameter& parameter : model.parameters) types.push_back(parameter.types[0]);
    for (size_t i = 1; i < std::min(types.size(), model.only_constant_from); ++i) {
      TypeVector with_null = types;
      with_null[i] = arrow::null();
      const auto settled = function->CoerceTypes(with_null);
      ASSERT_TRUE(settled.ok()) << model.name << ": " << settled.status().ToString();
      const auto again = function->CoerceTypes(*settled);
      ASSERT_TRUE(again.ok()) << model.name << ": " << again.status().ToString();
      for (size_t k = 0; k < types.size(); ++k) EXPECT_TRUE((*again)[k]->Equals((*settled)[k]));
    }
  }
}

/// Repeats what `parameter` draws.
Parameter LongTexts(const Parameter& parameter) {
  Parameter longer = parameter;
  longer.value = [parameter](Random& random) -> Json {
    std::string piece;
    while (piece.empty()) piece = parameter.value(random).get<std::string>();
    std::string text;
    while (text.size() < kLongBytes) text += piece;
    return text;
  };
  return longer;
}

TEST(HardInputs, TextsOfMegabytes) {
  Random random(12);
  std::set<std::string> seen;
  for (const Model& model : AllModels()) {
    const auto function = Scalar(model.name);
    for (size_t i = 0; i < model.parameters.size(); ++i) {
      if (!IsText(model.parameters[i])) continue;
      TypeVector parameter_types = model.parameters[i].types;
      if (parameter_types.size() > 3)
        parameter_types = {arrow::utf8(), arrow::utf8_view(), kTextTypes.back()};
      Model longer = model;
      longer.parameters[i] = LongTexts(model.parameters[i]);
      for (const auto& type : parameter_types) {
        SCOPED_TRACE(fmt::format("{} argument {} as {}", model.name, i, type->ToString()));
        const bool constant = random() % 2 == 0;
        const auto arguments = DrawArguments(random, longer, 2, i, {type, constant, 0, 1, 0});
        if (!model.parameters[i].is_keyword) {
          CheckBatch(longer, *function, arguments, 2);
          continue;
        }
        const Status status = CallPlanned(*function, ValuesOf(arguments), 2).status();
        EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
        EXPECT_NE(status.message().find(model.name), std::string::npos)
            << status.message().substr(0, 500);
        EXPECT_LT(status.message().size(), 1000u);
      }
      seen.insert(model.name);
    }
  }
  const FunctionRegistry registry = NativeFunctions();
  for (const auto& function : registry.scalars()) {
    for (const FunctionArgument& argument : function->declaration().arguments) {
      EXPECT_TRUE(argument.type != "text" || seen.contains(function->declaration().name));
    }
  }
}

/// What bytes that are no UTF-8 do in a function of texts.
enum class BadUtf8 {
  kTakenAsBytes,  ///< no letter of it is looked at
  kRefused,       ///< an error that names function, byte and value
};

const std::map<std::string, BadUtf8>& BadUtf8Cases() {
  static const std::map<std::string, BadUtf8> kCases = {
      {"stable_hash64", BadUtf8::kTakenAsBytes},
      {"stable_hash128", BadUtf8::kTakenAsBytes},
      {"stable_hash_any", BadUtf8::kRefused},
      {"stable_id", BadUtf8::kTakenAsBytes},
      {"prefixed_hash64", BadUtf8::kTakenAsBytes},
      {"stable_id_parts", BadUtf8::kTakenAsBytes},
      {"stable_id_parts_required", BadUtf8::kTakenAsBytes},
      {"prefixed_hash_parts64", BadUtf8::kTakenAsBytes},
      {"span_id", BadUtf8::kTakenAsBytes},
      {"position_encoding_norm", BadUtf8::kTakenAsBytes},
      {"col_to_byte", BadUtf8::kTakenAsBytes},
      {"utf8_normalize", BadUtf8::kRefused},
      {"utf8_null_if_blank", BadUtf8::kTakenAsBytes},
      {"qname_normalize", BadUtf8::kRefused},  // where the language folds
      {"cdf_change_rank", BadUtf8::kTakenAsBytes},
      {"cdf_is_upsert", BadUtf8::kTakenAsBytes},
      {"cdf_is_delete", BadUtf8::kTakenAsBytes},
  };
  return kCases;
}

std::vector<std::shared_ptr<arrow::Array>> BadTexts() {
  const Texts texts = {"ab\xff\xfe", "\xc3", std::nullopt, " \xf0\x9f\x98 a fine tail of the text"};
  Random random(13);
  return {BuildTexts<arrow::StringBuilder>(texts), BuildTexts<arrow::LargeStringBuilder>(texts),
          BuildTexts<arrow::StringViewBuilder>(texts), BuildDictionary(random, texts)};
}

TEST(HardInputs, BytesThatAreNoUtf8) {
  Random random(14);
  for (const Model& model : AllModels()) {
    if (!IsText(model.parameters[0])) continue;
    SCOPED_TRACE(model.name);
    ASSERT_TRUE(BadUtf8Cases().contains(model.name));
    const BadUtf8 expected = BadUtf8Cases().at(model.name);
    auto arguments =
        ValuesOf(DrawArguments(random, model, 4, SIZE_MAX, {model.parameters[0].types[0]}));
    if (model.name == "qname_normalize") arguments[2] = Constant(arrow::utf8(), "\"sql\"");
    std::shared_ptr<arrow::Array> first;
    for (const auto& texts : BadTexts()) {
      arguments[0] = Column(texts);
      const auto result = CallPlanned(*Scalar(model.name), arguments, 4);
      if (expected == BadUtf8::kTakenAsBytes) {
        ASSERT_TRUE(result.ok()) << result.status().ToString();
        if (first == nullptr) first = *result;
        EXPECT_TRUE((*result)->Equals(first));
        continue;
      }
      ASSERT_EQ(result.status().code(), StatusCode::kInvalidArgument);
      for (const std::string& part : {model.name, std::string("0xff"), std::string("ab\xff\xfe")}) {
        EXPECT_NE(result.status().message().find(part), std::string::npos)
            << result.status().message();
      }
    }
  }
}

TEST(HardInputs, MapKeysThatAreNoUtf8) {
  const auto keys = BuildTexts<arrow::StringBuilder>({"ab\xff"});
  const auto items = FromJson(arrow::int64(), "[1]");
  const auto offsets = FromJson(arrow::int32(), "[0, 1]");
  const auto maps = arrow::MapArray::FromArrays(offsets, keys, items).ValueOrDie();
  const Status status = CallPlanned(*Scalar("map_normalize"), {Column(maps)}, 1).status();
  EXPECT_EQ(status.message(),
            "map_normalize: wanted UTF-8, found byte `0xff` at offset 2, in `ab\xff`");
}

int Depth(const arrow::DataType& type) {
  int below = 0;
  for (const auto& field : type.fields()) below = std::max(below, Depth(*field->type()));
  return type.num_fields() == 0 ? 0 : below + 1;
}

TEST(HardInputs, FunctionsOfAnyTypeHaveADeepModel) {
  std::map<std::string, int> depths;
  for (const Model& model : AllModels()) {
    for (const Parameter& parameter : model.parameters) {
      for (const auto& type : parameter.types)
        depths[model.name] = std::max(depths[model.name], Depth(*type));
    }
  }
  static const std::set<std::string> kPlain = {"text", "int64", "int32", "boolean", "span"};
  const FunctionRegistry registry = NativeFunctions();
  for (const auto& function : registry.scalars()) {
    for (const FunctionArgument& argument : function->declaration().arguments) {
      if (kPlain.contains(argument.type)) continue;
      EXPECT_GT(depths[function->declaration().name], kDeepLevels)
          << function->declaration().name << ": " << argument.name << " is " << argument.type;
    }
  }
}

}  // namespace
}  // namespace weir::testing
