// SPDX-License-Identifier: Apache-2.0

#include "weir/dml/definition_run.h"

#include <algorithm>
#include <optional>
#include <set>

#include <arrow/api.h>
#include <nlohmann/json.hpp>

#include "weir/base/ascii_text.h"
#include "weir/base/clock.h"
#include "weir/base/json_text.h"
#include "weir/bundle/stored_schema.h"
#include "weir/delta/delta_commit.h"
#include "weir/delta/delta_log.h"
#include "weir/delta/delta_schema.h"
#include "weir/delta/log_actions.h"
#include "weir/delta/table_change.h"
#include "weir/delta/table_features.h"
#include "weir/dml/composed_sql.h"
#include "weir/dml/row_rules.h"
#include "weir/dml/write_target.h"

namespace weir {

namespace {

constexpr const char* kLogDialect = "databricks";
constexpr std::string_view kConstraintPrefix = "delta.constraints.";

/// The feature that a property asks for; empty for those that need none.
Result<std::string> FeatureOf(const std::string& key, const std::string& value) {
  static const std::map<std::string, std::string, std::less<>> by_key = {
      {"delta.enableChangeDataFeed", "changeDataFeed"},
      {"delta.enableDeletionVectors", "deletionVectors"},
      {"delta.appendOnly", "appendOnly"}};
  const std::string text = AsciiLowerCase(value);
  if (key == "delta.checkpointPolicy" && text == "v2") return std::string("v2Checkpoint");
  if (text.empty() || text == "false" || text == "none" || text == "classic") return std::string();
  if (const auto found = by_key.find(key); found != by_key.end()) return found->second;
  if (key.starts_with(kConstraintPrefix)) return std::string("checkConstraints");
  const bool needs_other = key.starts_with("delta.enable") || key.starts_with("delta.feature.") ||
                           key.starts_with("delta.universalFormat.") ||
                           key == "delta.columnMapping.mode" || key == "delta.checkpointPolicy" ||
                           key == "delta.minReaderVersion" || key == "delta.minWriterVersion";
  if (!needs_other) return std::string();
  return Status::User(StatusCode::kUnsupported,
                      "a property is wanted whose feature Weir writes, found `{}` = `{}`", key,
                      value)
      .WithHint(
          "of these are `delta.enableChangeDataFeed`, `delta.enableDeletionVectors`, "
          "`delta.appendOnly`, `delta.checkpointPolicy` = `v2`");
}

class Definition {
 public:
  Definition(const DmlContext& context, const std::string& sql,
             const DefinitionStatement& statement, const std::string& url)
      : context_(context),
        engine_(context.runtime.engine()),
        sql_(sql),
        statement_(statement),
        url_(url) {}

  Result<DmlOutcome> Run() {
    change_.table_url = url_;
    change_.operation = OperationName();
    change_.timestamp_ms = SystemClock().Now() / 1000;
    if (statement_.kind == DefinitionStatement::Kind::kCreate) return Create();
    WEIR_ASSIGN_OR_RETURN(target_, OpenWriteTarget(statement_.table.name, url_, engine_));
    change_.read_version = target_.snapshot.version();
    metadata_ = LogJson::parse(target_.metadata_json, nullptr, false);
    configuration_ = metadata_.value("configuration", LogJson::object());
    WEIR_RETURN_NOT_OK(Alter());
    metadata_["configuration"] = configuration_;
    const std::string protocol = UpgradedProtocol(target_.protocol_json, features_);
    if (!protocol.empty()) change_.head.push_back(protocol);
    change_.head.push_back(JsonText(LogJson{{"metaData", metadata_}}));
    return Commit();
  }

 private:
  using Kind = DefinitionStatement::Kind;

  /// As other programs call it in a table's history.
  std::string OperationName() const {
    switch (statement_.kind) {
      case Kind::kCreate: {
        const std::string name = statement_.or_replace ? "CREATE OR REPLACE TABLE" : "CREATE TABLE";
        return statement_.query.empty() ? name : name + " AS SELECT";
      }
      case Kind::kSetProperties:
        return "SET TBLPROPERTIES";
      case Kind::kUnsetProperties:
        return "UNSET TBLPROPERTIES";
      case Kind::kAddCheck:
        return "ADD CONSTRAINT";
      case Kind::kDropCheck:
        return "DROP CONSTRAINT";
      case Kind::kAddColumns:
        return "ADD COLUMNS";
    }
    return "";
  }

  // --- CREATE TABLE ---

  Result<DmlOutcome> Create() {
    WEIR_ASSIGN_OR_RETURN(const LogListing listing, OpenDeltaLog(engine_, url_)->List());
    const bool exists = listing.latest() >= 0;
    if (exists && statement_.if_not_exists) return DmlOutcome{.version = listing.latest()};
    if (exists && !statement_.or_replace) {
      return Status::User(StatusCode::kAlreadyExists,
                          "a place without a Delta table is wanted, found one: `{}`",
                          statement_.table.name)
          .WithHint(
              "CREATE TABLE IF NOT EXISTS leaves it as it is, CREATE OR REPLACE TABLE writes "
              "it anew");
    }
    std::string protocol_now;
    metadata_ = {{"id", NewTableId()},
                 {"format", {{"provider", "parquet"}, {"options", LogJson::object()}}}};
    if (exists) {
      WEIR_ASSIGN_OR_RETURN(target_, OpenWriteTarget(statement_.table.name, url_, engine_));
      change_.read_version = target_.snapshot.version();
      protocol_now = target_.protocol_json;
      metadata_["id"] = LogJson::parse(target_.metadata_json)["id"];
      WEIR_ASSIGN_OR_RETURN(change_.removed, target_.snapshot.files());
    }
    std::optional<engine::Plan> plan;
    std::shared_ptr<arrow::Schema> schema;
    if (statement_.query.empty()) {
      WEIR_ASSIGN_OR_RETURN(schema, DeclaredSchema());
    } else {
      ComposedSql query(sql_);
      query.Piece(statement_.query);
      WEIR_RETURN_NOT_OK(query.Locate(context_.register_named(query.sql())));
      auto planned = engine::Plan::FromSql(engine_, query.sql(), context_.dialect);
      if (!planned.ok()) return query.Locate(planned.status());
      WEIR_ASSIGN_OR_RETURN(const auto analyzed, planned->Analyze(engine_));
      WEIR_ASSIGN_OR_RETURN(const auto output, analyzed.output_schema());
      WEIR_ASSIGN_OR_RETURN(schema, Stored(*output));
      plan = *std::move(planned);
    }
    WEIR_RETURN_NOT_OK(CheckPartitions(*schema));
    WEIR_ASSIGN_OR_RETURN(const std::string schema_json, SchemaJson(*schema));
    metadata_["schemaString"] = schema_json;
    metadata_["partitionColumns"] = statement_.partition_columns;
    configuration_ = LogJson::object();
    WEIR_RETURN_NOT_OK(SetProperties());
    for (const CheckDeclaration& check : statement_.checks) WEIR_RETURN_NOT_OK(AddCheck(check));
    metadata_["configuration"] = configuration_;
    metadata_["createdTime"] = change_.timestamp_ms;
    if (!statement_.comment.empty()) metadata_["description"] = statement_.comment;
    if (HasTimestampNtz(*schema)) features_.push_back("timestampNtz");
    const std::string protocol = UpgradedProtocol(protocol_now, features_);
    if (!protocol.empty()) change_.head.push_back(protocol);
    change_.head.push_back(JsonText(LogJson{{"metaData", metadata_}}));
    if (!statement_.checks.empty() || HasGenerated()) WEIR_RETURN_NOT_OK(CheckRules(schema));
    if (plan) WEIR_RETURN_NOT_OK(Write(*std::move(plan), schema));
    auto outcome = Commit();
    if (!outcome.ok() && !is_committed_ && !MayStillArrive(outcome.status(), url_))
      RemoveDataFiles(engine_, url_, change_.added);
    return outcome;
  }

  bool HasGenerated() const {
    return std::any_of(statement_.columns.begin(), statement_.columns.end(),
                       [](const auto& column) { return !column.generation.empty(); });
  }

  /// Says of expressions now what would be found out with the first row.
  Status CheckRules(const std::shared_ptr<arrow::Schema>& schema) {
    WriteTarget target = NewTarget(schema);
    return RowRules::Of(target, engine_).status();
  }

  /// The table as it will be.
  WriteTarget NewTarget(const std::shared_ptr<arrow::Schema>& schema) const {
    WriteTarget target;
    target.name = statement_.table.name;
    target.url = url_;
    target.schema = schema;
    for (const auto& field : schema->fields()) target.columns.push_back({.name = field->name()});
    for (size_t i = 0; i < statement_.columns.size(); ++i) {
      target.columns[i].nullable = statement_.columns[i].nullable;
      target.columns[i].generation = statement_.columns[i].generation;
    }
    for (const CheckDeclaration& check : statement_.checks)
      target.conditions.push_back({.name = check.name, .expression = check.expression});
    for (const auto& [key, value] : statement_.properties) target.properties[key] = value;
    target.partition_columns = statement_.partition_columns;
    target.schema_json = metadata_["schemaString"].get<std::string>();
    return target;
  }

  Status Write(engine::Plan plan, const std::shared_ptr<arrow::Schema>& schema) {
    const WriteTarget target = NewTarget(schema);
    WEIR_ASSIGN_OR_RETURN(const RowRules rules, RowRules::Of(target, engine_));
    WEIR_ASSIGN_OR_RETURN(const engine::Session* engine,
                          context_.runtime.EngineOf(context_.runtime.own_partitions().value_or(
                              context_.runtime.cores())));
    WEIR_ASSIGN_OR_RETURN(const auto options, target.Options());
    WEIR_ASSIGN_OR_RETURN(auto casted, std::move(plan).CastTo(*schema));
    WEIR_ASSIGN_OR_RETURN(const auto optimized, std::move(casted).Optimize(*engine));
    WEIR_ASSIGN_OR_RETURN(const auto physical, engine::PhysicalPlan::Create(*engine, optimized));
    WEIR_ASSIGN_OR_RETURN(auto written,
                          physical.Write(*engine, options, schema, {}, context_.cancellation,
                                         [&](const std::shared_ptr<arrow::RecordBatch>& batch)
                                             -> Result<std::shared_ptr<arrow::RecordBatch>> {
                                           WEIR_RETURN_NOT_OK(rules.Check(*batch));
                                           return batch;
                                         }));
    rows_ = written.rows;
    change_.added = std::move(written.files);
    return Status::OK();
  }

  Result<std::shared_ptr<arrow::Schema>> Stored(const arrow::Schema& output) const {
    std::vector<Status> problems;
    auto schema = StoredSchema(output, problems);
    for (const Status& problem : problems) return problem;
    return schema;
  }

  /// The declared columns with the types that their SQL means.
  Result<std::shared_ptr<arrow::Schema>> DeclaredSchema() const {
    const SqlDialect& dialect = *FindDialect(context_.dialect);
    ComposedSql query(sql_);
    query.Own("SELECT ");
    for (size_t i = 0; i < statement_.columns.size(); ++i) {
      const ColumnDeclaration& column = statement_.columns[i];
      query.Own(i == 0 ? "CAST(NULL AS " : ", CAST(NULL AS ");
      query.Piece(column.type).Own(") AS " + QuoteIdentifier(column.name, dialect));
    }
    const auto plan = engine::Plan::FromSql(engine_, query.sql(), context_.dialect);
    if (!plan.ok()) return query.Locate(plan.status());
    WEIR_ASSIGN_OR_RETURN(const auto output, plan->output_schema());
    return Stored(*output);
  }

  Status CheckPartitions(const arrow::Schema& schema) const {
    std::set<std::string> seen;
    for (const std::string& name : statement_.partition_columns) {
      const auto field = schema.GetFieldByName(name);
      if (!field) {
        return Status::User(StatusCode::kInvalidArgument,
                            "columns of the table are wanted after PARTITIONED BY, found `{}`",
                            name);
      }
      if (field->type()->num_fields() > 0 || field->type()->id() == arrow::Type::BINARY ||
          !seen.insert(name).second) {
        return Status::User(StatusCode::kInvalidArgument,
                            "columns to partition by, each once and no structs, lists, maps or "
                            "binary, are wanted, found `{}`",
                            name);
      }
    }
    if (seen.size() == static_cast<size_t>(schema.num_fields())) {
      return Status::User(StatusCode::kInvalidArgument,
                          "a column beside those of PARTITIONED BY is wanted, found none");
    }
    return Status::OK();
  }

  /// The log's schema with what only the statement says of columns.
  Result<std::string> SchemaJson(const arrow::Schema& schema) {
    WEIR_ASSIGN_OR_RETURN(const std::string text, DeltaSchemaString(schema));
    LogJson json = LogJson::parse(text);
    for (size_t i = 0; i < statement_.columns.size(); ++i)
      WEIR_RETURN_NOT_OK(Declare(statement_.columns[i], json["fields"][i]));
    return JsonText(json);
  }

  Status Declare(const ColumnDeclaration& column, LogJson& field) {
    field["nullable"] = column.nullable;
    if (!column.comment.empty()) field["metadata"]["comment"] = column.comment;
    if (column.generation.empty()) return Status::OK();
    field["metadata"]["delta.generationExpression"] = column.generation;
    features_.push_back("generatedColumns");
    return Status::OK();
  }

  // --- ALTER TABLE ---

  Status Alter() {
    switch (statement_.kind) {
      case Kind::kSetProperties:
        return SetProperties();
      case Kind::kUnsetProperties:
        for (const auto& [key, value] : statement_.properties) {
          if (configuration_.erase(key) > 0 || statement_.if_not_exists) continue;
          return Missing("property", key);
        }
        return Status::OK();
      case Kind::kAddCheck:
        return AddCheckedCheck();
      case Kind::kDropCheck:
        if (configuration_.erase(std::string(kConstraintPrefix) + statement_.checks[0].name) == 0 &&
            !statement_.if_not_exists)
          return Missing("constraint", statement_.checks[0].name);
        return Status::OK();
      case Kind::kAddColumns:
        return AddColumns();
      case Kind::kCreate:
        break;
    }
    return Status::Bug("no ALTER TABLE");
  }

  Status Missing(std::string_view what, const std::string& name) const {
    return Status::User(StatusCode::kNotFound, "the table `{}` has no {} `{}`",
                        statement_.table.name, what, name)
        .WithHint("with IF EXISTS that is no error");
  }

  Status SetProperties() {
    for (const auto& [key, value] : statement_.properties) {
      if (key.starts_with(kConstraintPrefix)) {
        return Status::User(StatusCode::kInvalidArgument,
                            "a constraint is added as one, found the property `{}`", key)
            .WithHint("ALTER TABLE … ADD CONSTRAINT name CHECK (…)");
      }
      WEIR_ASSIGN_OR_RETURN(const std::string feature, FeatureOf(key, value));
      if (!feature.empty()) features_.push_back(feature);
      configuration_[key] = value;
    }
    // What says how files are written is to be understood by the next statement.
    std::map<std::string, std::string> properties;
    for (const auto& [key, value] : configuration_.items()) properties[key] = value;
    return WriteOptionsOf(url_, {}, properties).status();
  }

  Status AddCheck(const CheckDeclaration& check) {
    const std::string key = std::string(kConstraintPrefix) + check.name;
    if (configuration_.contains(key)) {
      return Status::User(StatusCode::kAlreadyExists,
                          "a new name for a constraint is wanted, found one that is there: `{}`",
                          check.name);
    }
    configuration_[key] = check.expression;
    features_.push_back("checkConstraints");
    return Status::OK();
  }

  Status AddCheckedCheck() {
    const CheckDeclaration& check = statement_.checks[0];
    WEIR_RETURN_NOT_OK(AddCheck(check));
    WEIR_RETURN_NOT_OK(engine_.RegisterTable("__weir_checked", target_.table));
    const auto plan = engine::Plan::FromSql(
        engine_,
        fmt::format("SELECT count(*) AS n FROM __weir_checked WHERE ({}) IS NOT TRUE",
                    check.expression),
        kLogDialect);
    if (!plan.ok()) {
      return Status::User(StatusCode::kPlanFailed, "the constraint `{}` is not understood: `{}`",
                          check.name, check.expression)
          .WithCause(plan.status().message());
    }
    WEIR_ASSIGN_OR_RETURN(const auto optimized, plan->Optimize(engine_));
    WEIR_ASSIGN_OR_RETURN(const auto physical, engine::PhysicalPlan::Create(engine_, optimized));
    WEIR_ASSIGN_OR_RETURN(const auto reader, physical.Execute(engine_, context_.cancellation));
    const auto batches = reader->ToRecordBatches();
    if (!batches.ok()) return engine::FromStreamFailure(batches.status());
    for (const auto& batch : *batches) {
      const auto count = std::static_pointer_cast<arrow::Int64Array>(batch->column(0));
      if (batch->num_rows() == 0 || count->Value(0) == 0) continue;
      return Status::User(StatusCode::kInvalidArgument,
                          "rows that keep the constraint `{}` are wanted in the table `{}`, found "
                          "{} for which it is not true: `{}`",
                          check.name, statement_.table.name, count->Value(0), check.expression)
          .WithHint("mend or delete them first");
    }
    return Status::OK();
  }

  Status AddColumns() {
    WEIR_ASSIGN_OR_RETURN(const auto declared, DeclaredSchema());
    WEIR_ASSIGN_OR_RETURN(const std::string added, SchemaJson(*declared));
    WEIR_ASSIGN_OR_RETURN(metadata_["schemaString"], SchemaWithColumns(target_, added));
    if (HasTimestampNtz(*declared)) features_.push_back("timestampNtz");
    return Status::OK();
  }

  Result<DmlOutcome> Commit() {
    WEIR_ASSIGN_OR_RETURN(const ChangeOutcome made, CommitChange(engine_, change_));
    if (made.other) {
      return Status::Environment(
                 StatusCode::kConflict, "another writer was first at the table `{}`: version {}{}",
                 statement_.table.name, made.other->version,
                 made.other->operation.empty() ? "" : fmt::format(" ({})", made.other->operation))
          .WithHint("the table is as the other left it; run the statement again");
    }
    is_committed_ = true;
    WEIR_RETURN_NOT_OK(made.durable);
    return DmlOutcome{.version = made.version,
                      .rows_inserted = rows_,
                      .files_added = static_cast<int64_t>(change_.added.size()),
                      .files_removed = static_cast<int64_t>(change_.removed.size())};
  }

  const DmlContext& context_;
  const engine::Session& engine_;
  const std::string& sql_;
  const DefinitionStatement& statement_;
  const std::string& url_;
  WriteTarget target_;
  LogJson metadata_, configuration_;
  std::vector<std::string> features_;
  TableChange change_;
  bool is_committed_ = false;
  int64_t rows_ = 0;
};

}  // namespace

Result<DmlOutcome> RunDefinition(const DmlContext& context, const std::string& sql,
                                 const DefinitionStatement& statement,
                                 const std::string& table_url) {
  return Definition(context, sql, statement, table_url).Run();
}

}  // namespace weir
