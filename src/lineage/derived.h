// SPDX-License-Identifier: Apache-2.0
//
// What derivation knows of one column while it walks a plan: small values in one arena, without
// copies of names or expressions. Internal to this room. In: nodes and expressions, which must
// outlive the arena. Out: the texts and sets of a Lineage.

#pragma once

#include <cstdint>
#include <memory_resource>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "weir/lineage/lineage.h"

namespace weir::deriving {

/// An input packed into one number that sorts by source, use and transformation.
class Input {
 public:
  Input(uint32_t source, ColumnUse use, Transformation transformation)
      : bits_((uint64_t{source} << 16) | (static_cast<uint64_t>(use) << 8) |
              static_cast<uint64_t>(transformation)) {}

  uint32_t source() const { return static_cast<uint32_t>(bits_ >> 16); }
  ColumnUse use() const { return static_cast<ColumnUse>((bits_ >> 8) & 0xff); }
  Transformation transformation() const { return static_cast<Transformation>(bits_ & 0xff); }

  auto operator<=>(const Input&) const = default;

 private:
  uint64_t bits_;
};

/// Sorted, each once.
using Inputs = std::span<const Input>;

/// An expression with columns replaced by what they stand for; made into text at the very end.
struct Expanded {
  const Expression* written = nullptr;  ///< null for a word of lineage's own
  std::string_view word;
  std::span<const Expanded* const> parts;  ///< inputs, filter, partition_by, order_by of `written`
  std::string_view relation;               ///< of a column that stands for itself
  std::string_view name;
};

struct Derived;

/// A part of a value that is known by itself.
struct Part {
  std::string_view name;  ///< a struct's field, a map's key, kElement
  const Derived* value = nullptr;
};

/// The name of a list's elements among parts, and in paths.
inline constexpr std::string_view kElement = "[]";

/// What is known about the values of one column of one node, or of an expression.
struct Derived {
  Transformation transformation = Transformation::kLiteral;
  /// The values are those of one place of one source, `place`, as they stand there: its fields are
  /// places too.
  bool is_place = false;
  uint32_t place = 0;
  uint32_t size = 1;  ///< of the expression
  Inputs inputs;
  std::span<const Part> parts;  ///< empty where nothing is known
  const Expanded* expression = nullptr;
};

using DerivedColumns = std::span<const Derived* const>;

/// Owns everything that derivation of one plan makes.
class Arena {
 public:
  struct Source {
    std::string_view table;
    std::string_view column;
    std::string_view path;
  };

  template <typename T>
  T* New(const T& value) {
    return new (memory_.allocate(sizeof(T), alignof(T))) T(value);
  }

  template <typename T>
  std::span<T> NewArray(size_t size) {
    return {static_cast<T*>(memory_.allocate(sizeof(T) * size + 1, alignof(T))), size};
  }

  template <typename T>
  std::span<const T> Copy(const std::vector<T>& values) {
    const auto copy = NewArray<T>(values.size());
    std::uninitialized_copy(values.begin(), values.end(), copy.begin());
    return copy;
  }

  std::string_view NewText(std::string_view text);

  uint32_t SourceOf(std::string_view table, std::string_view column, std::string_view path = {});
  const Source& source(uint32_t id) const { return sources_[id]; }

  /// The place of a part of a place.
  uint32_t PartOf(uint32_t place, std::string_view part);

  Inputs Union(Inputs a, Inputs b);
  Inputs One(Input input) { return {New(input), 1}; }
  /// Inputs of values become inputs of that use; other uses stay what they are. For values,
  /// `transformation` is what happens to them.
  Inputs As(Inputs inputs, ColumnUse use, Transformation transformation);

 private:
  std::pmr::monotonic_buffer_resource memory_{16 << 10};
  std::vector<Source> sources_;
  std::unordered_map<std::string, uint32_t> paths_;
  struct NameHash {
    size_t operator()(const std::pair<std::string_view, std::string_view>& name) const {
      return std::hash<std::string_view>()(name.first) * 31 +
             std::hash<std::string_view>()(name.second);
    }
  };
  std::unordered_map<std::pair<std::string_view, std::string_view>, uint32_t, NameHash> columns_;
};

/// The expanded expression as text.
std::string TextOf(const Expanded& expanded);

/// Whether two expansions are the same expression.
bool SameExpression(const Expanded& a, const Expanded& b);

}  // namespace weir::deriving
