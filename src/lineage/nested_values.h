// SPDX-License-Identifier: Apache-2.0
//
// Values that are put together from parts and taken apart again: fields of structs, keys of maps,
// elements of lists. Internal to this room. A part that is not known by itself counts as the whole.

#pragma once

#include <string_view>
#include <vector>

#include "weir/lineage/derived.h"

namespace weir::deriving {

/// A struct's field or a map's value by literal keys; one call can go down several levels.
bool IsFieldAccess(const Expression& e);
/// The keys of a field access.
std::vector<std::string_view> FieldKeys(const Expression& e);

/// An element of a list by a literal index.
bool IsElementAccess(const Expression& e);

/// The part of `whole` under `name`, `expression` in words. A list's parts are kElement, any of its
/// elements, and "[1]", "[2]" … where the list was built of them.
const Derived* PartOf(Arena& arena, const Derived& whole, std::string_view name,
                      const Expanded* expression);

/// What is known of the parts of the value that `e` builds of `inputs`, one an input of `e`; empty
/// where `e` does not build values of known parts.
std::span<const Part> PartsBuilt(Arena& arena, const Expression& e,
                                 std::span<const Derived* const> inputs);

/// Columns that stand for the same place in several branches; `word` names their union.
const Derived* Merged(Arena& arena, std::string_view word, const Derived& a, const Derived& b);

}  // namespace weir::deriving
