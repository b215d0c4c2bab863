// SPDX-License-Identifier: Apache-2.0

#include "weir/functions/sums/exact_aggregate.h"

#include <arrow/type.h>

namespace weir {

namespace {

class ExactAggregate final : public AggregateFunction {
 public:
  ExactAggregate(FunctionDeclaration declaration, FieldVector states, MakeAccumulator make)
      : declaration_(std::move(declaration)), states_(std::move(states)), make_(std::move(make)) {}
  const FunctionDeclaration& declaration() const override { return declaration_; }

  Result<std::shared_ptr<arrow::Field>> ReturnField(const FieldVector&) const override {
    return arrow::field(declaration_.name, arrow::float64());
  }
  Result<FieldVector> StateFields(const FieldVector& arguments,
                                  const AggregateCall& call) const override {
    if (call.distinct) return DistinctStateFields(arguments[0]);
    return states_;
  }
  Result<std::unique_ptr<GroupsAccumulator>> CreateAccumulator(
      const FieldVector& arguments, const AggregateCall& call) const override {
    if (call.distinct) return MakeDistinctAccumulator(arguments[0], call, make_);
    return make_();
  }

 private:
  FunctionDeclaration declaration_;
  FieldVector states_;
  MakeAccumulator make_;
};

}  // namespace

FunctionDeclaration DeclareExact(std::string name, std::string stands_for,
                                 const std::string& what) {
  FunctionDeclaration declaration;
  declaration.name = std::move(name);
  declaration.stands_for = std::move(stands_for);
  declaration.kind = FunctionKind::kAggregate;
  declaration.tags = {"aggregate", "deterministic"};
  declaration.description =
      what +
      " of floats, computed exactly and rounded once, to the nearest float. Does not depend on the "
      "order of the rows. Under `deterministic` it stands in the place of `" +
      declaration.stands_for + "`.";
  declaration.result_type = "float64";
  return declaration;
}

std::shared_ptr<const AggregateFunction> MakeExactAggregate(FunctionDeclaration declaration,
                                                            FieldVector states,
                                                            MakeAccumulator make) {
  return std::make_shared<ExactAggregate>(std::move(declaration), std::move(states),
                                          std::move(make));
}

}  // namespace weir
