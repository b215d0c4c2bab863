// SPDX-License-Identifier: Apache-2.0

#include "weir/plan/plan_equality.h"

#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "weir/plan/meaning_reader.h"

namespace weir {

namespace {

using internal::TermId;
using internal::TermKind;
using internal::TermTable;

/// Looks for the place where two terms part.
class DifferenceFinder {
 public:
  explicit DifferenceFinder(const TermTable& terms) : terms_(terms) {}

  PlanDifference Find(TermId first, TermId second) {
    while (true) {
      const auto& a = terms_[first];
      const auto& b = terms_[second];
      if (a.kind == TermKind::kNode && b.kind == TermKind::kNode) path_.push_back(a.label);
      if (a.kind != b.kind || a.label != b.label) return Here(first, second);
      const bool is_set = a.kind == TermKind::kSet;
      if (is_set || a.label == "keys") {
        const auto only_first = Only(first, second), only_second = Only(second, first);
        // Keys have an order: the first that differ belong together.
        const bool paired = only_first.size() == only_second.size() &&
                            (only_first.size() == 1 || (!is_set && !only_first.empty()));
        if (!paired) return Here(only_first, only_second);
        first = only_first[0];
        second = only_second[0];
        continue;
      }
      if (a.children.size() != b.children.size()) return Here(first, second);
      size_t i = 0;
      while (a.children[i] == b.children[i]) ++i;
      // Of a call that is short, the whole tells more than the part.
      const bool is_deep = terms_[a.children[i]].kind == TermKind::kNode;
      if (!is_deep && a.kind != TermKind::kNode && IsLeaf(a.children[i]) && IsLeaf(b.children[i]))
        return Here(first, second);
      first = a.children[i];
      second = b.children[i];
    }
  }

 private:
  bool IsLeaf(TermId id) const { return terms_[id].children.empty(); }

  std::vector<TermId> Only(TermId one, TermId other) const {
    const auto& members = terms_[other].children;
    std::vector<TermId> only;
    for (const TermId member : terms_[one].children)
      if (std::find(members.begin(), members.end(), member) == members.end())
        only.push_back(member);
    return only;
  }

  std::string Where() const {
    std::string where;
    for (const std::string& node : path_) {
      if (node == "Rows") continue;
      where += (where.empty() ? "" : " > ") + node;
    }
    return where;
  }

  std::string Text(const std::vector<TermId>& ids) const {
    std::string text;
    for (const TermId id : ids) text += (text.empty() ? "" : ", ") + terms_.ToText(id);
    return text.empty() ? "nothing" : text;
  }

  PlanDifference Here(const std::vector<TermId>& first, const std::vector<TermId>& second) const {
    return {.where = Where(), .first = Text(first), .second = Text(second)};
  }
  PlanDifference Here(TermId first, TermId second) const {
    return Here(std::vector<TermId>{first}, std::vector<TermId>{second});
  }

  const TermTable& terms_;
  std::vector<std::string> path_;
};

}  // namespace

std::string PlanDifference::ToString() const {
  return fmt::format("in {}: `{}` became `{}`", where, first, second);
}

Result<std::optional<PlanDifference>> FindDifference(const LogicalPlan& first,
                                                     const LogicalPlan& second) {
  TermTable terms;
  internal::MeaningReader reader(terms);
  WEIR_ASSIGN_OR_RETURN(const TermId first_term, reader.Root(first));
  WEIR_ASSIGN_OR_RETURN(const TermId second_term, reader.Root(second));
  if (!reader.random_function().empty()) {
    const std::string call = reader.random_function() + "()";
    return PlanDifference{.where = "Output", .first = call, .second = "another " + call};
  }
  if (first_term == second_term) return std::optional<PlanDifference>();
  return std::optional(DifferenceFinder(terms).Find(first_term, second_term));
}

}  // namespace weir
