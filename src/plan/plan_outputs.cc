// SPDX-License-Identifier: Apache-2.0

#include "weir/plan/plan_outputs.h"

#include <nlohmann/json.hpp>

namespace weir::internal {

namespace {

using Node = std::vector<OutputColumn>;

/// Reads the form that the bridge writes, which has no white space. A parser for any JSON takes a
/// third of the time of decoding the plan itself.
class OutputsReader {
 public:
  explicit OutputsReader(std::string_view json) : rest_(json) {}

  /// Each of these takes what it names from the front; false if something else stands there.
  bool Nodes(std::vector<Node>& nodes) {
    return List([&] { return Columns(nodes.emplace_back()); }) && rest_.empty();
  }

 private:
  bool Columns(Node& node) {
    return List([&] { return Column(node.emplace_back()); });
  }

  bool Column(OutputColumn& column) {
    return Take("[") && (Take("null") || Text(column.relation.emplace())) && Take(",") &&
           Text(column.name) && Take("]");
  }

  template <typename Element>
  bool List(const Element& element) {
    if (!Take("[")) return false;
    if (Take("]")) return true;
    do {
      if (!element()) return false;
    } while (Take(","));
    return Take("]");
  }

  bool Text(std::string& text) {
    if (!rest_.starts_with('"')) return false;
    bool is_plain = true;
    size_t end = 1;
    for (; end < rest_.size() && rest_[end] != '"'; ++end) {
      const auto c = static_cast<unsigned char>(rest_[end]);
      is_plain = is_plain && c >= ' ' && c < 0x7F && c != '\\';
      if (c == '\\') ++end;
    }
    if (end >= rest_.size()) return false;
    const std::string_view literal = rest_.substr(0, end + 1);
    rest_.remove_prefix(end + 1);
    if (is_plain) {
      text = literal.substr(1, literal.size() - 2);
      return true;
    }
    const auto value = nlohmann::json::parse(literal, nullptr, /*allow_exceptions=*/false);
    if (!value.is_string()) return false;
    text = value.get<std::string>();
    return true;
  }

  bool Take(std::string_view token) {
    if (!rest_.starts_with(token)) return false;
    rest_.remove_prefix(token.size());
    return true;
  }

  std::string_view rest_;
};

}  // namespace

Result<std::vector<std::vector<OutputColumn>>> ParseOutputs(std::string_view json) {
  std::vector<Node> nodes;
  if (!OutputsReader(json).Nodes(nodes))
    return Status::User(StatusCode::kCorrupt, "the columns of a plan's nodes are damaged");
  return nodes;
}

}  // namespace weir::internal
