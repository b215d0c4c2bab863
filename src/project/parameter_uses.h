// SPDX-License-Identifier: Apache-2.0
//
// Where SQL text names parameters of the project (`$name`), and what is wrong with that. In: text
// and its dialect. Out: names with their places; W1104 to W1106. The constants themselves are put
// in when a query is planned.

#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "weir/base/diagnostic.h"
#include "weir/project/project_definition.h"
#include "weir/project/token_cursor.h"

namespace weir {

/// `$` and what follows it.
struct ParameterUse {
  std::string name;  ///< lower case
  bool is_number = false;
  int line = 1;  ///< of the `$`
  int column = 1;
};

/// In the order of the text; not within strings, comments and names.
std::vector<ParameterUse> FindParameterUses(std::string_view text, const SqlDialect& dialect);

/// Reports the uses in a file that stand for nothing: an unknown name (W1104), a parameter without
/// a value (W1105, once a file), a number (W1106). False if there are any.
bool CheckParameterUses(const SqlFile& file, const std::vector<ProjectParameter>& parameters,
                        Diagnostics& diagnostics);

/// Which parameters each user function names, itself or through others that it calls; those that
/// name none are left out.
class FunctionParameters {
 public:
  explicit FunctionParameters(const std::vector<UserFunctionDefinition>& functions);

  /// Those of the functions that a text calls.
  std::set<std::string> CalledIn(std::string_view text, const SqlDialect& dialect) const;

 private:
  std::map<std::string, std::set<std::string>> parameters_;
};

}  // namespace weir
