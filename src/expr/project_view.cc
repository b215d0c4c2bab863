// SPDX-License-Identifier: Apache-2.0

#include "weir/expr/project_view.h"

#include <algorithm>
#include <set>

namespace weir::expr {

ViewDefinition DefineView(std::string name, ViewBuilder query, ViewOptions options) {
  ViewDefinition view;
  view.name = std::move(name);
  view.kind = options.kind;
  view.location = query.location();
  view.file = view.location.file;
  view.definition_sql = query.ToString();
  view.partition_columns = std::move(options.partition_columns);
  view.comment = std::move(options.comment);
  view.properties = std::move(options.properties);
  for (ViewConstraint& constraint : options.constraints) {
    view.constraints.push_back(
        {.name = std::move(constraint.name),
         .action = constraint.on_violation,
         .expression_sql = {},
         .text = constraint.expectation.ToString(),
         .expression = std::make_shared<const BuilderExpression>(std::move(constraint.expectation)),
         .location = view.location});
  }
  view.query = std::make_shared<const BuilderQuery>(std::move(query));
  return view;
}

std::string BuilderExpression::Identity() const {
  const auto bytes = expression_.status().ok() ? EncodeExpression(expression_.tree())
                                               : Result<std::string>(expression_.status());
  return bytes.ok() ? *bytes : bytes.status().ToString();
}

namespace {

Status CheckConstraints(const ViewDefinition& view) {
  if (!view.constraints.empty() && view.kind == ViewDefinition::Kind::kInline) {
    return Status::User(StatusCode::kInvalidArgument,
                        "a stored view is wanted for constraints, found the inlined view `{}`",
                        view.name);
  }
  std::set<std::string> names;
  for (const ConstraintDefinition& constraint : view.constraints) {
    if (names.insert(constraint.name).second) continue;
    return Status::User(StatusCode::kAlreadyExists, "two constraints have the same name: `{}`",
                        constraint.name);
  }
  return Status::OK();
}

}  // namespace

Status AddView(ProjectDefinition& project, ViewDefinition view) {
  if (view.name.empty())
    return Status::User(StatusCode::kInvalidArgument, "a view needs a name, found none");
  const Status constraints = CheckConstraints(view);
  if (!constraints.ok()) return constraints.WithLocation(view.location);
  const auto refuse = [&](std::string_view what, const SourceLocation& location) {
    return Status::User(StatusCode::kAlreadyExists, "there is a {} named `{}` already, in {}", what,
                        view.name, ToString(location))
        .WithLocation(view.location);
  };
  for (const SourceDefinition& source : project.sources) {
    if (source.name == view.name) return refuse("source", source.location);
  }
  const auto place = std::lower_bound(
      project.views.begin(), project.views.end(), view,
      [](const ViewDefinition& a, const ViewDefinition& b) { return a.name < b.name; });
  if (place != project.views.end() && place->name == view.name)
    return refuse("view", place->location);
  project.views.insert(place, std::move(view));
  return Status::OK();
}

}  // namespace weir::expr
