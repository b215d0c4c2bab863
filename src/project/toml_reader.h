// SPDX-License-Identifier: Apache-2.0
//
// Takes values out of a TOML file and reports what does not fit, with its place. In: nodes of the
// file. Out: texts, tables, diagnostics. Variables of the environment are filled in here, and only
// where a value is needed.

#pragma once

#include <initializer_list>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <toml++/toml.h>

#include "weir/base/diagnostic.h"

namespace weir {

/// One pass over weir.toml, or several: what is reported twice counts once.
class TomlReader {
 public:
  explicit TomlReader(Diagnostics& diagnostics) : diagnostics_(diagnostics) {}

  /// What is read next is needed, or only looked at: then values with variables are read for their
  /// syntax alone, and count as absent.
  void SetNeeded(bool needed) { needed_ = needed; }
  bool needed() const { return needed_; }

  void Fail(std::string_view code, const toml::source_region& region, std::string message,
            std::string hint = {});
  /// W1012
  void FailType(const toml::node& node, std::string_view wanted, std::string_view key);
  /// Reports keys of `table` which are not among `known` (W1011).
  void CheckKeys(const toml::table& table, const std::vector<std::string>& known,
                 std::string_view where);

  /// These return what stands under `key`, and report anything of another type. The value has the
  /// path `group` and key; see Expanded.
  const toml::table* TableAt(const toml::table& parent, std::string_view key);
  std::optional<std::string> StringAt(const toml::table& parent, std::string_view key,
                                      std::string_view group = {});

  /// A text with its variables filled in. An unset one is reported by ReportUnset, unless a later
  /// value of the same path takes the place of this one.
  std::optional<std::string> Expanded(const toml::node& node, std::string_view text,
                                      const std::string& path);
  /// Another value takes the place of the one of this path.
  void Forget(const std::string& path) { unset_.erase(path); }
  /// The variable that the value of this path needs and that is not set.
  std::optional<Diagnostic> Unset(const std::string& path) const;
  /// Says of what was needed in the end that its variable is not set.
  void ReportUnset();

 private:
  void Add(Diagnostic diagnostic);

  Diagnostics& diagnostics_;
  bool needed_ = true;
  std::map<std::string, Diagnostic> unset_;  ///< by the path of the value
};

SourceLocation LocationOf(const toml::source_region& region);

/// "a string", "an integer" …
std::string_view TypeName(const toml::node& node);

/// A text, number or boolean as the engine's settings take it; nothing for anything else.
std::optional<std::string> ScalarText(const toml::node& node);

}  // namespace weir
