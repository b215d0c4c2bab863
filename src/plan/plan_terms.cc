// SPDX-License-Identifier: Apache-2.0

#include "weir/plan/plan_terms.h"

#include <algorithm>

#include <fmt/format.h>

namespace weir::internal {

namespace {

constexpr size_t kMostText = 240;

bool IsWord(std::string_view label) {
  return !label.empty() && (std::isalpha(static_cast<unsigned char>(label[0])) != 0) &&
         label != "AND" && label != "OR" && !label.starts_with("IS ");
}

}  // namespace

bool IsUnordered(std::string_view label) {
  return label == "=" || label == "<>" || label == "+" || label == "*" ||
         label == "IS DISTINCT FROM" || label == "IS NOT DISTINCT FROM";
}

TermId TermTable::Make(TermKind kind, std::string label, std::vector<TermId> children) {
  // A call without columns inside has none itself, and need not be walked again.
  if (kind == TermKind::kCall && std::all_of(children.begin(), children.end(), [&](TermId child) {
        return (*this)[child].kind == TermKind::kClosed;
      })) {
    kind = TermKind::kClosed;
  }
  std::string key = fmt::format("{}|{}|{}", static_cast<int>(kind), label.size(), label);
  for (const TermId child : children) key += fmt::format(",{}", child);
  const auto [found, is_new] = ids_.try_emplace(std::move(key), static_cast<TermId>(terms_.size()));
  if (is_new)
    terms_.push_back({.kind = kind, .label = std::move(label), .children = std::move(children)});
  return found->second;
}

TermId TermTable::MakeUnordered(std::string label, std::vector<TermId> children) {
  std::sort(children.begin(), children.end());
  return Make(TermKind::kCall, std::move(label), std::move(children));
}

TermId TermTable::MakeSet(const std::string& label, const std::vector<TermId>& children) {
  std::vector<TermId> members;
  for (const TermId child : children) {
    const Term& term = (*this)[child];
    if (term.kind == TermKind::kSet && term.label == label)
      members.insert(members.end(), term.children.begin(), term.children.end());
    else
      members.push_back(child);
  }
  std::sort(members.begin(), members.end());
  members.erase(std::unique(members.begin(), members.end()), members.end());
  if (members.size() == 1) return members[0];
  return Make(TermKind::kSet, label, std::move(members));
}

TermId TermTable::MapColumns(TermId id, const std::function<TermId(TermId)>& change) {
  std::map<TermId, TermId> done;
  return MapColumns(id, change, done);
}

TermId TermTable::MapColumns(TermId id, const std::function<TermId(TermId)>& change,
                             std::map<TermId, TermId>& done) {
  const Term term = (*this)[id];
  if (term.kind == TermKind::kColumn) return change(id);
  if (term.kind == TermKind::kClosed || term.kind == TermKind::kNode) return id;
  if (const auto found = done.find(id); found != done.end()) return found->second;
  std::vector<TermId> children;
  for (const TermId child : term.children) children.push_back(MapColumns(child, change, done));
  TermId mapped = 0;
  if (term.kind == TermKind::kSet) {
    mapped = MakeSet(term.label, children);
  } else if (IsUnordered(term.label)) {
    mapped = MakeUnordered(term.label, std::move(children));
  } else {
    mapped = Make(term.kind, term.label, std::move(children));
  }
  done.emplace(id, mapped);
  return mapped;
}

std::string TermTable::ToText(TermId id) const {
  std::string text;
  AppendText(id, text);
  if (text.size() > kMostText) text = text.substr(0, kMostText) + "…";
  return text;
}

void TermTable::AppendText(TermId id, std::string& text) const {
  if (text.size() > kMostText) return;
  const Term& term = (*this)[id];
  std::vector<TermId> children;
  for (const TermId child : term.children)
    if ((*this)[child].kind != TermKind::kNode) children.push_back(child);
  if (term.kind == TermKind::kColumn && !children.empty()) return AppendText(children[0], text);
  const bool is_operator = !IsWord(term.label) && children.size() > 1;
  if (!is_operator) text += term.label;
  if (children.empty()) return;
  text += '(';
  for (size_t i = 0; i < children.size(); ++i) {
    if (i > 0) text += is_operator ? " " + term.label + " " : ", ";
    AppendText(children[i], text);
  }
  text += ')';
}

}  // namespace weir::internal
