// SPDX-License-Identifier: Apache-2.0

#include "weir/scan/file_pruner.h"

#include <map>

#include <arrow/api.h>
#include <fmt/format.h>

#include "weir/scan/predicate_outcomes.h"

namespace weir {

namespace {

/// The facts of the columns in a predicate, for the reason.
std::string PredicateFacts(const Expression& predicate, const ColumnReferences& columns,
                           FileFacts& facts) {
  std::map<std::string, std::string> texts;
  std::set<const Expression*> within;
  VisitExpression(predicate, [&](const Expression& e) {
    // A field tells more than the struct that it is in.
    if (within.contains(&e)) {
      for (const Expression& input : e.inputs) within.insert(&input);
      return;
    }
    const ColumnReference* column = columns.Find(e);
    if (column == nullptr) return;
    texts[column->name] = FactsText(column->name, facts.Of(*column));
    for (const Expression& input : e.inputs) within.insert(&input);
  });
  std::string text;
  for (const auto& [name, fact] : texts) text += (text.empty() ? "" : ", ") + fact;
  return text.empty() ? "never true" : text;
}

}  // namespace

FilePruner::FilePruner(std::shared_ptr<arrow::Schema> schema,
                       const std::vector<Expression>& filters,
                       const std::shared_ptr<arrow::Schema>& log_schema)
    : filters_(filters), columns_(std::move(schema), log_schema, filters) {}

FileVerdict FilePruner::Judge(const FileList& files, size_t file) const {
  FileVerdict verdict;
  FileFacts facts(files, file);
  PredicateOutcomes outcomes(columns_, facts);
  for (const Expression& filter : filters_) {
    if ((outcomes.Of(filter) & kTrue) == 0) {
      verdict.reason =
          fmt::format("`{}`: {}", ToText(filter), PredicateFacts(filter, columns_, facts));
      break;
    }
  }
  verdict.contradiction = facts.contradiction();
  return verdict;
}

std::optional<std::string> FilePruner::ReasonToPrune(const DataFile& file) const {
  FileListBuilder builder(StatisticsPaths());
  builder.Add(file);
  return Judge(*builder.Finish(), 0).reason;
}

}  // namespace weir
