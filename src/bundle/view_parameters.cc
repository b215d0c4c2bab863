// SPDX-License-Identifier: Apache-2.0

#include "weir/bundle/view_parameters.h"

#include <algorithm>
#include <set>
#include <vector>

#include "weir/bundle/view_query.h"

namespace weir {

namespace {

/// The names that inlined views bring into a view which may read them.
std::set<std::string> Inlined(const ViewDefinition& view, const std::vector<std::string>& inlined,
                              const std::map<std::string, std::set<std::string>>& named,
                              const SessionRuntime& session) {
  std::set<std::string> names;
  if (inlined.empty()) return names;
  // A name may stand in the text without being read.
  const auto tables = TablesNamed(view, session.engine());
  if (!tables.ok()) return names;
  for (const std::string& table : inlined) {
    if (std::find(tables->begin(), tables->end(), table) == tables->end()) continue;
    const std::set<std::string>& more = named.at(table);
    names.insert(more.begin(), more.end());
  }
  return names;
}

}  // namespace

ParameterValues AllParameters(const ProjectDefinition& project) {
  ParameterValues values;
  for (const ProjectParameter& parameter : project.parameters) {
    if (parameter.value) values[parameter.name] = *parameter.value;
  }
  return values;
}

std::map<std::string, ParameterValues> ParametersOfViews(const ProjectDefinition& project,
                                                         const PlanningOrder& order,
                                                         const SessionRuntime& session) {
  std::map<std::string, ParameterValues> parameters;
  const ParameterValues all = AllParameters(project);
  if (all.empty()) return parameters;
  std::map<std::string, std::set<std::string>> named;
  for (const std::vector<size_t>& level : order.Levels()) {
    for (const size_t i : level) {
      const ViewDefinition& view = project.views[i];
      std::vector<std::string> inlined;
      for (const size_t reference : order.references(i)) {
        const ViewDefinition& other = project.views[reference];
        if (other.kind == ViewDefinition::Kind::kInline && named.contains(other.name))
          inlined.push_back(other.name);
      }
      std::set<std::string> names = Inlined(view, inlined, named, session);
      names.insert(view.parameters.begin(), view.parameters.end());
      if (names.empty()) continue;
      for (const std::string& name : names) {
        const auto value = all.find(name);
        if (value != all.end()) parameters[view.name].insert(*value);
      }
      named[view.name] = std::move(names);
    }
  }
  return parameters;
}

}  // namespace weir
