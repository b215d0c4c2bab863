// SPDX-License-Identifier: Apache-2.0
//
// Views of a project that are written in C++. In: a query and what CREATE VIEW would say of it.
// Out: a ViewDefinition, which is compiled, decided and run like those of files.

#pragma once

#include <map>
#include <string>
#include <vector>

#include "weir/expr/view_builder.h"
#include "weir/project/project_definition.h"

namespace weir::expr {

/// What is to hold for every row of a view's table, and what happens to a row for which it does
/// not: CONSTRAINT name EXPECT (expectation) ON VIOLATION ….
struct ViewConstraint {
  std::string name;
  Expr expectation;  ///< over the columns of the result; no subquery
  ViolationAction on_violation = ViolationAction::kWarn;
};

/// What may be said of a view beside its query.
struct ViewOptions {
  /// Stored as a Delta table, or inlined into the views that read it.
  ViewDefinition::Kind kind = ViewDefinition::Kind::kStored;
  std::vector<std::string> partition_columns = {};
  std::string comment = {};
  std::map<std::string, std::string> properties = {};
  /// Of a stored view. Their failures are reported where the last step of the query stands.
  std::vector<ViewConstraint> constraints = {};
};

/// A view's query as a ViewDefinition carries it.
class BuilderQuery final : public QueryDefinition {
 public:
  explicit BuilderQuery(ViewBuilder builder) : builder_(std::move(builder)) {}
  const ViewBuilder& builder() const { return builder_; }
  std::vector<std::string> tables() const override { return builder_.tables(); }
  std::string Identity() const override { return builder_.Identity(); }

 private:
  ViewBuilder builder_;
};

/// The expression of a constraint as a ConstraintDefinition carries it.
class BuilderExpression final : public ExpressionDefinition {
 public:
  explicit BuilderExpression(Expr expression) : expression_(std::move(expression)) {}
  const Expr& expression() const { return expression_; }
  std::string Identity() const override;

 private:
  Expr expression_;
};

/// Defines a view; it stands where the last step of its query does.
ViewDefinition DefineView(std::string name, ViewBuilder query, ViewOptions options = {});

/// Adds a view to a project, in the order of names. Fails with kAlreadyExists if a source or a view
/// has that name, or two constraints have the same, and with kInvalidArgument if an inlined view
/// has constraints.
Status AddView(ProjectDefinition& project, ViewDefinition view);

}  // namespace weir::expr
