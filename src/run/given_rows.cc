// SPDX-License-Identifier: Apache-2.0

#include "weir/run/given_rows.h"

#include <algorithm>

#include <arrow/api.h>
#include <fmt/format.h>

#include "weir/base/nearest.h"
#include "weir/base/utf8_text.h"
#include "weir/engine/compiled_predicate.h"

namespace weir {

namespace {

using Batch = std::shared_ptr<arrow::RecordBatch>;

bool IsText(const arrow::DataType& type) {
  return type.id() == arrow::Type::STRING || type.id() == arrow::Type::LARGE_STRING ||
         type.id() == arrow::Type::STRING_VIEW;
}

bool IsNumber(const arrow::DataType& type) {
  return arrow::is_integer(type.id()) || arrow::is_floating(type.id()) ||
         arrow::is_decimal(type.id());
}

bool IsTime(const arrow::DataType& type) {
  return arrow::is_date(type.id()) || type.id() == arrow::Type::TIMESTAMP;
}

/// Whether a value of one type can be meant for a column of another. Text can be for any: it is
/// read as CAST reads it.
bool CanBeMeantFor(const arrow::DataType& from, const arrow::DataType& to) {
  if (from.id() == arrow::Type::NA || from.Equals(to) || from.id() == to.id()) return true;
  if (IsText(from)) return true;
  if (IsNumber(from) && IsNumber(to)) return true;
  if (IsTime(from) && IsTime(to)) return true;
  if (arrow::is_time(from.id()) && arrow::is_time(to.id())) return true;
  return arrow::is_list_like(from.id()) && arrow::is_list_like(to.id());
}

/// Whether a value may change on its way into a column without an error, as 1.5 in an INT would.
bool MayLose(const arrow::DataType& from, const arrow::DataType& to) {
  return IsNumber(from) && IsNumber(to) && !arrow::is_floating(to.id()) && !from.Equals(to);
}

std::string FloatText(double value, int digits) {
  return value == 0 ? "0" : fmt::format("{:.{}g}", value, digits);
}

/// "SELECT (a), (b)".
std::string SelectOf(const GivenRows::Row& row, size_t begin, size_t end) {
  std::string sql = "SELECT ";
  for (size_t i = begin; i < end; ++i)
    sql += fmt::format("{}({}\n) AS c{}", i == begin ? "" : ", ", row.cells[i].text, i);
  return sql;
}

Result<Batch> RunSelect(const engine::Session& session, const std::string& sql,
                        const std::string& dialect) {
  WEIR_ASSIGN_OR_RETURN(engine::Plan plan, engine::Plan::FromSql(session, sql, dialect));
  WEIR_ASSIGN_OR_RETURN(plan, plan.Optimize(session));
  WEIR_ASSIGN_OR_RETURN(const auto physical, engine::PhysicalPlan::Create(session, plan));
  WEIR_ASSIGN_OR_RETURN(const auto reader, physical.Execute(session, engine::Cancellation()));
  const auto table = reader->ToTable();
  if (!table.ok()) return engine::FromStreamFailure(table.status());
  auto batch = (*table)->CombineChunksToBatch();
  if (!batch.ok()) return engine::FromStreamFailure(batch.status());
  return *std::move(batch);
}

/// The CSV fields of a row: text, or NULL.
Result<Batch> CsvBatch(const GivenRows::Row& row, size_t begin, size_t end) {
  std::vector<std::shared_ptr<arrow::Field>> fields;
  std::vector<std::shared_ptr<arrow::Array>> columns;
  for (size_t i = begin; i < end; ++i) {
    arrow::StringBuilder builder;
    const arrow::Status appended =
        row.cells[i].is_null ? builder.AppendNull() : builder.Append(row.cells[i].text);
    auto column =
        appended.ok() ? builder.Finish() : arrow::Result<std::shared_ptr<arrow::Array>>(appended);
    if (!column.ok()) return engine::FromStreamFailure(column.status());
    columns.push_back(*column);
    fields.push_back(arrow::field(fmt::format("c{}", i), arrow::utf8()));
  }
  return arrow::RecordBatch::Make(arrow::schema(std::move(fields)), 1, std::move(columns));
}

/// The first line of what the engine says, without its layers.
std::string Plain(const std::string& message) {
  static constexpr std::string_view kLayers[] = {
      "Arrow error: ", "Cast error: ", "Error during planning: ", "Parser error: "};
  std::string text = message.substr(0, message.find('\n'));
  for (const std::string_view layer : kLayers) {
    if (const size_t at = text.find(layer); at != std::string::npos) text.erase(at, layer.size());
  }
  return text;
}

}  // namespace

std::string CellText(const arrow::Array& array, int64_t row) {
  if (array.IsNull(row)) return "NULL";
  if (array.type_id() == arrow::Type::DOUBLE)
    return FloatText(static_cast<const arrow::DoubleArray&>(array).Value(row), 15);
  if (array.type_id() == arrow::Type::FLOAT)
    return FloatText(static_cast<const arrow::FloatArray&>(array).Value(row), 6);
  if (array.type_id() == arrow::Type::BINARY)
    return "X'" + HexText(static_cast<const arrow::BinaryArray&>(array).GetView(row)) + "'";
  const auto scalar = array.GetScalar(row);
  if (!scalar.ok()) return scalar.status().ToString();
  std::string text = (*scalar)->ToString();
  if (!IsText(*array.type())) return text;
  const bool plain = !text.empty() && text != "NULL" && text.front() != '\'' &&
                     text.front() != ' ' && text.back() != ' ';
  return plain ? text : fmt::format("'{}'", text);
}

void RowTyper::Report(std::string_view code, std::string message, const SourceLocation& location,
                      std::string hint) {
  problems_.push_back({.code = std::string(code),
                       .message = std::move(message),
                       .hint = std::move(hint),
                       .location = location,
                       .view_name = test_.view.name});
}

bool RowTyper::Resolve(const GivenRows& rows, const arrow::Schema& schema, Fields& fields) {
  const size_t before = problems_.size();
  if (rows.columns.empty()) {
    for (const auto& field : schema.fields()) fields.push_back(field);
    for (const GivenRows::Row& row : rows.rows) {
      if (row.cells.size() == fields.size()) continue;
      Report("W1413",
             fmt::format("a value for each of the {} columns is wanted, found {}", fields.size(),
                         row.cells.size()),
             row.location, "name the columns that are meant before VALUES: (column, …)");
    }
  }
  for (const LocatedName& column : rows.columns) {
    const auto field = schema.GetFieldByName(column.name);
    if (field == nullptr) {
      std::vector<std::string> names;
      for (const auto& known : schema.fields()) names.push_back(known->name());
      std::string hint = SuggestionHint(column.name, names);
      if (hint.empty()) hint = fmt::format("columns are `{}`", fmt::join(names, "`, `"));
      Report("W1413",
             fmt::format("{} has no column of this name: `{}`",
                         rows.table.name.empty() ? fmt::format("the view `{}`", test_.view.name)
                                                 : fmt::format("the table `{}`", rows.table.name),
                         column.name),
             column.location, std::move(hint));
      continue;
    }
    if (std::find(fields.begin(), fields.end(), field) != fields.end())
      Report("W1413", fmt::format("the column is named twice: `{}`", column.name), column.location);
    fields.push_back(field);
  }
  return problems_.size() == before;
}

Status RowTyper::TypeCells(const GivenRows::Row& row, const Fields& fields, size_t begin,
                           size_t end, std::vector<Batch>* typed) const {
  const bool csv = begin < end && row.cells[begin].is_csv;
  auto natural = csv ? CsvBatch(row, begin, end)
                     : RunSelect(session_, SelectOf(row, begin, end), test_.dialect);
  if (!natural.ok()) return natural.status();
  Fields wanted;
  for (size_t i = begin; i < end; ++i) {
    const auto& from = *(*natural)->column(static_cast<int>(i - begin))->type();
    if (!CanBeMeantFor(from, *fields[i]->type())) {
      return Status::User(StatusCode::kInvalidArgument,
                          "a value of the type {} is wanted, found {}",
                          fields[i]->type()->ToString(), from.ToString());
    }
    wanted.push_back(fields[i]->WithNullable(true));
  }
  WEIR_ASSIGN_OR_RETURN(const Batch cast,
                        engine::CastRows(**natural, arrow::schema(std::move(wanted))));
  for (size_t i = begin; i < end; ++i) {
    const int column = static_cast<int>(i - begin);
    if (!fields[i]->nullable() && cast->column(column)->IsNull(0))
      return Status::User(StatusCode::kInvalidArgument, "the column is NOT NULL");
    const auto& original = (*natural)->column(column);
    if (!MayLose(*original->type(), *cast->column(column)->type())) continue;
    const auto one =
        arrow::RecordBatch::Make(arrow::schema({arrow::field("c", cast->column(column)->type())}),
                                 1, {cast->column(column)});
    WEIR_ASSIGN_OR_RETURN(
        const Batch back,
        engine::CastRows(*one, arrow::schema({arrow::field("c", original->type())})));
    if (!back->column(0)->Equals(original)) {
      return Status::User(StatusCode::kInvalidArgument,
                          "the value does not fit the type {} without a change",
                          fields[i]->type()->ToString());
    }
  }
  if (typed != nullptr) typed->push_back(cast);
  return Status::OK();
}

/// Types a row at once; if that fails, finds the cells that are to blame.
bool RowTyper::TypeRow(const GivenRows::Row& row, const Fields& fields, std::vector<Batch>& typed) {
  if (TypeCells(row, fields, 0, row.cells.size(), &typed).ok()) return true;
  const size_t before = problems_.size();
  for (size_t i = 0; i < row.cells.size(); ++i) {
    const GivenCell& cell = row.cells[i];
    const Status status = TypeCells(row, fields, i, i + 1, nullptr);
    if (status.ok()) continue;
    Report("W1414",
           fmt::format("column `{}`: {}: `{}`", fields[i]->name(), Plain(status.message()),
                       cell.is_null ? "NULL" : cell.text),
           cell.location,
           status.hint().empty() && !cell.is_csv && status.code() == StatusCode::kInvalidArgument &&
                   !IsText(*fields[i]->type())
               ? fmt::format("write a value of the type {}, or a text that CAST makes one of",
                             fields[i]->type()->ToString())
               : status.hint());
  }
  if (problems_.size() == before)
    Report("W1414", "the row cannot be typed, though each of its values can", row.location);
  return false;
}

Batch RowTyper::Typed(const GivenRows& rows, const Fields& fields) {
  std::vector<Batch> typed;
  bool ok = true;
  for (const GivenRows::Row& row : rows.rows) ok = TypeRow(row, fields, typed) && ok;
  if (!ok) return nullptr;
  Fields nullable;
  for (const auto& field : fields) nullable.push_back(field->WithNullable(true));
  const auto schema = arrow::schema(std::move(nullable));
  if (typed.empty()) {
    auto empty = arrow::RecordBatch::MakeEmpty(schema);
    return empty.ok() ? *empty : nullptr;
  }
  auto whole = arrow::ConcatenateRecordBatches(typed);
  if (!whole.ok()) {
    Report("W1414", whole.status().message(), rows.table.location);
    return nullptr;
  }
  return *whole;
}

Batch RowTyper::Given(const GivenRows& rows, const arrow::Schema& schema) {
  Fields fields;
  if (!Resolve(rows, schema, fields)) return nullptr;
  const Batch typed = Typed(rows, fields);
  if (typed == nullptr) return nullptr;
  Fields all;
  std::vector<std::shared_ptr<arrow::Array>> columns;
  for (const auto& field : schema.fields()) {
    all.push_back(field->WithNullable(true));
    auto column = typed->GetColumnByName(field->name());
    if (column == nullptr) {
      auto nulls = arrow::MakeArrayOfNull(field->type(), typed->num_rows());
      if (!nulls.ok()) {
        Report("W1414", nulls.status().message(), rows.table.location);
        return nullptr;
      }
      column = *nulls;
    }
    columns.push_back(std::move(column));
  }
  return arrow::RecordBatch::Make(arrow::schema(std::move(all)), typed->num_rows(),
                                  std::move(columns));
}

Batch RowTyper::Expected(const GivenRows& rows, const arrow::Schema& schema) {
  Fields fields;
  if (!Resolve(rows, schema, fields)) return nullptr;
  return Typed(rows, fields);
}

}  // namespace weir
