// SPDX-License-Identifier: Apache-2.0
//
// What the columns in an expression can refer to: the outputs of a node's inputs. Internal to this
// room. A reference that nothing provides is a bug that names column and node.

#pragma once

#include <string_view>
#include <utility>
#include <vector>

#include "weir/base/result.h"
#include "weir/lineage/derived.h"

namespace weir::deriving {

/// One input of a node.
struct Side {
  const std::vector<OutputColumn>* names = nullptr;
  DerivedColumns columns;  ///< one a name
};

class Scope {
 public:
  explicit Scope(std::string_view node) : node_(node) {}
  Scope(std::string_view node, const Side& side) : node_(node) { Add(side); }

  /// `side.names` must outlive the scope.
  void Add(const Side& side);
  /// References are by name alone, whatever their qualifier.
  void IgnoreRelations() { ignores_relations_ = true; }

  std::string_view node() const { return node_; }
  size_t size() const { return columns_.size(); }
  const Derived* column(size_t i) const { return columns_[i]; }
  const OutputColumn& name(size_t i) const { return *names_[i]; }
  const std::vector<const Derived*>& columns() const { return columns_; }

  /// By qualifier and name; a column without qualifier prefers an output without one, then the
  /// first of its name. Fails where there is none.
  Result<size_t> Find(const Expression& column) const;
  Result<const Derived*> Resolve(const Expression& column) const;

 private:
  /// Answers whether output `i` is the one, and notes it in `fallback` if it may stand for it.
  bool Matches(const Expression& column, size_t i, size_t& fallback) const;

  std::string_view node_;
  std::vector<const OutputColumn*> names_;
  std::vector<const Derived*> columns_;
  bool ignores_relations_ = false;
  /// Positions by name, made when a wide scope is first asked.
  mutable std::vector<std::pair<std::string_view, size_t>> index_;
};

/// Whether at most one row of `plan` has any given values in the outputs with these indexes
/// (ordered), NULL left out: known of aggregates and DISTINCT.
bool IsUniqueBy(const LogicalPlan& plan, const std::vector<size_t>& outputs);

}  // namespace weir::deriving
