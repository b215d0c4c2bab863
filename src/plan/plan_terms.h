// SPDX-License-Identifier: Apache-2.0
//
// Terms that are equal exactly if they are the same number. Plans are brought into them to be
// compared. Private to the room.

#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace weir::internal {

using TermId = int;

enum class TermKind {
  kNode,    ///< a node of a plan
  kColumn,  ///< a column of the node at hand; what is inside belongs to nodes below
  kClosed,  ///< has no column of the node at hand: a literal, a subquery
  kCall,    ///< made of its children
  kSet,     ///< the same in any order and number of them
};

/// Whether the operator takes its sides either way.
bool IsUnordered(std::string_view label);

/// All terms of one comparison: equal ones are made once. Not safe to share across threads.
class TermTable {
 public:
  struct Term {
    TermKind kind = TermKind::kCall;
    std::string label;
    std::vector<TermId> children;
  };

  TermId Make(TermKind kind, std::string label, std::vector<TermId> children = {});
  /// A term whose children have no order. Of kind kCall, for operators that take their sides either
  /// way.
  TermId MakeUnordered(std::string label, std::vector<TermId> children);
  /// A set of `children`, those that are sets of the same label opened; one child alone is itself.
  TermId MakeSet(const std::string& label, const std::vector<TermId>& children);

  const Term& operator[](TermId id) const { return terms_[static_cast<size_t>(id)]; }

  /// The term with each of its columns put through `change`.
  TermId MapColumns(TermId id, const std::function<TermId(TermId)>& change);
  /// Whether it is nothing but a column.
  bool IsColumn(TermId id) const { return (*this)[id].kind == TermKind::kColumn; }

  /// Readable and short; of a node, what tells it from others of its kind.
  std::string ToText(TermId id) const;

 private:
  TermId MapColumns(TermId id, const std::function<TermId(TermId)>& change,
                    std::map<TermId, TermId>& done);
  void AppendText(TermId id, std::string& text) const;

  std::vector<Term> terms_;
  std::map<std::string, TermId, std::less<>> ids_;
};

}  // namespace weir::internal
