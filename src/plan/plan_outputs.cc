// SPDX-License-Identifier: Apache-2.0

#include "weir/plan/plan_outputs.h"

#include <nlohmann/json.hpp>

namespace weir::internal {

namespace {

using Json = nlohmann::json;

/// Takes the parser's events; what has no place in the list ends the parse.
class OutputsReader : public nlohmann::json_sax<Json> {
 public:
  std::vector<std::vector<OutputColumn>> outputs;

  bool null() override { return depth_ == 3 && values_++ == 0; }
  bool string(string_t& text) override {
    if (depth_ != 3 || values_ > 1) return false;
    OutputColumn& column = outputs.back().back();
    if (values_++ == 0) {
      column.relation = std::move(text);
    } else {
      column.name = std::move(text);
    }
    return true;
  }
  bool start_array(size_t /*elements*/) override {
    if (++depth_ > 3) return false;
    if (depth_ == 2) outputs.emplace_back();
    if (depth_ == 3) {
      outputs.back().emplace_back();
      values_ = 0;
    }
    return true;
  }
  bool end_array() override { return depth_-- != 3 || values_ == 2; }

  bool boolean(bool) override { return false; }
  bool number_integer(number_integer_t) override { return false; }
  bool number_unsigned(number_unsigned_t) override { return false; }
  bool number_float(number_float_t, const string_t&) override { return false; }
  bool binary(binary_t&) override { return false; }
  bool start_object(size_t) override { return false; }
  bool key(string_t&) override { return false; }
  bool end_object() override { return false; }
  bool parse_error(size_t, const std::string&, const nlohmann::detail::exception&) override {
    return false;
  }

 private:
  int depth_ = 0;   ///< 1: the list of nodes, 2: a node's columns, 3: a column
  int values_ = 0;  ///< of the column so far
};

}  // namespace

Result<std::vector<std::vector<OutputColumn>>> ParseOutputs(std::string_view json) {
  OutputsReader reader;
  if (json.empty() || json.front() != '[' || !Json::sax_parse(json, &reader))
    return Status::User(StatusCode::kCorrupt, "the columns of a plan's nodes are damaged");
  return std::move(reader.outputs);
}

}  // namespace weir::internal
