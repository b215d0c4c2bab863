// SPDX-License-Identifier: Apache-2.0
//
// Every scalar function against a naive model of its own: some thousand random rows each, in every
// encoding, sliced, with every pattern of NULLs, as columns and as constants. The models stand in a
// file a topic.

#include <set>

#include "weir/functions/scalar_model_testing.h"

namespace weir::testing {
namespace {

constexpr int64_t kLeastCases = 5000;

ArgumentForm DrawForm(Random& random, const Parameter& parameter, bool constant,
                      uint64_t null_percent) {
  return {parameter.types[random() % parameter.types.size()], constant, null_percent, random() % 70,
          random() % 3};
}

/// Texts in plain form are encoded another time, with dictionaries of any making.
void Reencode(Random& random, const Parameter& parameter, Argument* argument) {
  if (argument->value.is_constant || parameter.types.size() == 1 ||
      argument->value.values->type_id() != arrow::Type::STRING || random() % 2 == 0) {
    return;
  }
  Texts texts;
  for (const Json& row : argument->rows)
    texts.push_back(row.is_null() ? std::nullopt : std::optional(row.get<std::string>()));
  argument->value = Column(EncodeTexts(random, texts));
}

/// Runs one batch; returns the number of rows.
int64_t CheckRandomBatch(const Model& model, const ScalarFunction& function, uint64_t seed) {
  Random random(seed);
  static constexpr uint64_t kNullPercents[] = {0, 10, 40, 100};
  const size_t rows = seed % 20 == 0 ? 0 : 1 + random() % 120;
  const size_t fewest = std::min(model.fewest_arguments, model.parameters.size());
  const size_t count = fewest + random() % (model.parameters.size() - fewest + 1);
  std::vector<Argument> arguments;
  for (size_t i = 0; i < count; ++i) {
    const bool must_be_constant = i >= model.only_constant_from;
    const uint64_t null_percent = must_be_constant ? 0 : kNullPercents[random() % (i == 0 ? 4 : 3)];
    const Parameter& parameter = model.parameters[i];
    arguments.push_back(DrawArgument(
        random, parameter, rows,
        DrawForm(random, parameter, must_be_constant || random() % 4 == 0, null_percent)));
    Reencode(random, parameter, &arguments.back());
  }
  CheckBatch(model, function, arguments, rows);
  return static_cast<int64_t>(rows);
}

TEST(ScalarModels, EveryFunctionHasOne) {
  std::set<std::string> names;
  for (const Model& model : AllModels()) names.insert(model.name);
  const FunctionRegistry registry = NativeFunctions();
  for (const auto& function : registry.scalars()) {
    EXPECT_TRUE(names.contains(function->declaration().name)) << function->declaration().name;
  }
}

}  // namespace

void CheckModels(const std::vector<Model>& models) {
  for (const Model& model : models) {
    const auto function = Scalar(model.name);
    ASSERT_NE(function, nullptr);
    int64_t checked = 0;
    for (uint64_t seed = 0; checked < kLeastCases; ++seed) {
      SCOPED_TRACE(model.name + " seed " + std::to_string(seed));
      checked += CheckRandomBatch(model, *function, seed);
      if (::testing::Test::HasFailure()) return;
    }
  }
}

}  // namespace weir::testing
