// SPDX-License-Identifier: Apache-2.0

#include "weir/bundle/bundle_cache.h"

#include "weir/base/byte_stream.h"
#include "weir/base/file_stamp.h"
#include "weir/bundle/pins.h"
#include "weir/bundle/schema_bytes.h"
#include "weir/catalog/source_stamp.h"

namespace weir {

namespace {

/// Raise it when the form of the bytes changes.
constexpr uint32_t kFormat = 4;

std::set<std::string> GetTextSet(ByteReader& in) {
  const std::vector<std::string> texts = in.GetTexts();
  return {texts.begin(), texts.end()};
}

/// All that planning made. What the user wrote is not in it: comments and places change nothing.
std::string Serialize(const PlanBundle& bundle) {
  ByteWriter out;
  out.Put(kFormat);
  out.PutText(bundle.logical_plan);
  out.PutText(bundle.plan_proto);
  out.PutText(bundle.plan_outputs);
  out.PutTexts(bundle.completed_orders);
  out.Put(static_cast<uint32_t>(bundle.needs_one_partition ? 1 : 0));
  out.PutText(SchemaBytes(bundle.output_schema));
  out.PutText(SchemaBytes(bundle.stored_schema));
  out.Put(static_cast<uint32_t>(bundle.constraints.size()));
  for (const BundledConstraint& constraint : bundle.constraints) {
    out.PutText(constraint.expression_proto);
    out.PutTexts(constraint.columns);
    out.PutTexts(constraint.functions);
  }
  out.Put(static_cast<uint32_t>(bundle.functions.size()));
  for (const RequiredFunction& function : bundle.functions) {
    out.PutText(function.kind);
    out.PutText(function.name);
    out.PutText(function.version);
    out.PutTexts(function.tags);
  }
  out.PutTexts(bundle.required_tags);
  out.PutTexts(bundle.domain_planners);
  out.PutText(bundle.fingerprint.ToString());
  out.PutText(bundle.fingerprint_input);
  return out.bytes();
}

/// Fills `bundle` from the bytes. False if they are not what Serialize wrote for such a view.
bool Parse(std::string_view bytes, PlanBundle& bundle) {
  ByteReader in(bytes);
  if (in.Get<uint32_t>() != kFormat) return false;
  bundle.logical_plan = in.GetText();
  bundle.plan_proto = in.GetText();
  bundle.plan_outputs = in.GetText();
  bundle.completed_orders = in.GetTexts();
  bundle.needs_one_partition = in.Get<uint32_t>() != 0;
  bundle.output_schema = SchemaOf(in.GetText());
  bundle.stored_schema = SchemaOf(in.GetText());
  if (in.GetCount(sizeof(uint32_t)) != bundle.constraints.size()) return false;
  for (BundledConstraint& constraint : bundle.constraints) {
    constraint.expression_proto = in.GetText();
    constraint.columns = in.GetTexts();
    constraint.functions = in.GetTexts();
  }
  bundle.functions.resize(in.GetCount(sizeof(uint32_t)));
  for (RequiredFunction& function : bundle.functions) {
    function.kind = in.GetText();
    function.name = in.GetText();
    function.version = in.GetText();
    function.tags = GetTextSet(in);
  }
  bundle.required_tags = GetTextSet(in);
  bundle.domain_planners = GetTextSet(in);
  const auto fingerprint = Fingerprint::Parse(in.GetText());
  if (!fingerprint.ok()) return false;
  bundle.fingerprint = *fingerprint;
  bundle.fingerprint_input = in.GetText();
  return in.ok() && in.at_end() && bundle.output_schema && bundle.stored_schema;
}

std::string LookOf(const std::shared_ptr<arrow::Schema>& schema, TableKind kind, bool has_row_masks,
                   const std::vector<std::string>& partition_columns) {
  FingerprintBuilder builder;
  builder.Add("schema", SchemaBytes(schema)).Add("kind", ToString(kind));
  builder.Add("row masks", has_row_masks ? 1 : 0);
  for (const std::string& column : partition_columns) builder.Add("partition", column);
  return builder.Finish().ToString();
}

}  // namespace

namespace {

std::string HashOfParameters(const ProjectDefinition& project) {
  FingerprintBuilder builder;
  for (const ProjectParameter& parameter : project.parameters) {
    builder.Add("parameter", parameter.name).Add("type", parameter.type);
    if (parameter.value) builder.Add("value", *parameter.value);
  }
  return builder.Finish().ToString();
}

/// Whether a text may name a parameter, in whatever dialect.
bool MayNameParameters(std::string_view text) { return text.find('$') != std::string_view::npos; }

/// All but the parameters, unless a user function may name one.
std::string EnvironmentOfViews(const ProjectDefinition& project) {
  FingerprintBuilder builder;
  if (const auto program = StampOf("/proc/self/exe")) builder.Add("program", ToText(*program));
  for (const auto& [key, value] : project.profile.settings) builder.Add("setting." + key, value);
  for (const UserFunctionDefinition& function : project.functions) {
    builder.Add("function", function.definition_sql).Add("dialect", function.dialect);
    if (MayNameParameters(function.definition_sql))
      builder.Add("parameters", HashOfParameters(project));
  }
  const FunctionDefaults& defaults = project.profile.function_defaults;
  if (defaults.span_line_base) builder.Add("span_line_base", *defaults.span_line_base);
  if (defaults.span_col_unit) builder.Add("span_col_unit", *defaults.span_col_unit);
  if (defaults.span_end_exclusive)
    builder.Add("span_end_exclusive", *defaults.span_end_exclusive ? 1 : 0);
  for (const auto& [key, value] : project.profile.table_properties)
    builder.Add("table." + key, value);
  builder.Add("dialect", project.dialect);
  builder.Add("deterministic", project.profile.deterministic ? 1 : 0);
  builder.Add("overflow wraps", project.profile.overflow_wraps ? 1 : 0);
  builder.Add("warehouse", project.warehouse_uri);
  return builder.Finish().ToString();
}

}  // namespace

std::string PlanningEnvironment(const ProjectDefinition& project) {
  return FingerprintBuilder()
      .Add("views", EnvironmentOfViews(project))
      .Add("parameters", HashOfParameters(project))
      .Finish()
      .ToString();
}

std::string LookOf(const PinnedTable& table) {
  return LookOf(table.schema, table.kind, table.has_row_masks, table.partition_columns);
}

BundleCache::BundleCache(const ProjectDefinition& project, const SessionRuntime& session)
    : session_(session),
      packs_(project.root, "bundles-" + project.profile.name),
      environment_(EnvironmentOfViews(project)),
      parameters_(HashOfParameters(project)) {
  for (const SourceDefinition& source : project.sources) {
    const PinnedTable* table = session.catalog().Find(source.name);
    if (table != nullptr) looks_[source.name] = LookOf(*table);
  }
}

std::string BundleCache::KeyOf(const ViewDefinition& view,
                               const std::vector<std::string>& tables) const {
  FingerprintBuilder builder;
  builder.Add("environment", environment_);
  builder.Add("name", view.name).Add("dialect", view.dialect).Add("query", view.query_sql);
  bool names_parameters = MayNameParameters(view.query_sql);
  if (view.query != nullptr) builder.Add("steps", view.query->Identity());
  for (const std::string& name : view.column_names) builder.Add("column", name);
  for (const std::string& name : view.partition_columns) builder.Add("partition", name);
  for (const std::string& name : view.cluster_columns) builder.Add("cluster", name);
  for (const ConstraintDefinition& constraint : view.constraints) {
    builder.Add("constraint", constraint.name).Add("action", ToString(constraint.action));
    builder.Add("expression", constraint.expression_sql).Add("text", constraint.text);
    if (constraint.expression != nullptr) builder.Add("tree", constraint.expression->Identity());
    names_parameters = names_parameters || MayNameParameters(constraint.expression_sql);
  }
  if (names_parameters) builder.Add("parameters", parameters_);
  for (const std::string& table : tables) {
    const auto look = looks_.find(table);
    if (look == looks_.end()) return {};
    builder.Add("table", table).Add("look", look->second);
  }
  return builder.Finish().ToString();
}

void BundleCache::NoteTable(const std::string& view_name, const std::string& key,
                            const std::shared_ptr<arrow::Schema>& stored_schema,
                            const std::vector<std::string>& partition_columns) {
  if (stored_schema) {
    looks_[view_name] = LookOf(stored_schema, TableKind::kView, false, partition_columns);
  } else if (!key.empty()) {
    looks_[view_name] = key;
  }
}

std::shared_ptr<PlanBundle> BundleCache::Find(const std::string& key, const ViewDefinition& view) {
  const auto bytes = packs_.Find(key);
  if (!bytes) return nullptr;
  auto bundle = std::make_shared<PlanBundle>(BundleOf(view));
  for (const ConstraintDefinition& constraint : view.constraints) {
    bundle->constraints.push_back({.name = constraint.name,
                                   .action = constraint.action,
                                   .text = constraint.text,
                                   .expression_proto = {},
                                   .columns = {},
                                   .functions = {},
                                   .location = constraint.location});
  }
  if (!Parse(*bytes, *bundle)) return nullptr;
  auto plan = DecodePlan(bundle->plan_proto, bundle->plan_outputs);
  if (!plan.ok()) return nullptr;
  bundle->plan = *std::move(plan);
  auto pins = PinsOf(*bundle->plan, session_);
  if (!pins.ok()) return nullptr;
  bundle->pins = *std::move(pins);
  return bundle;
}

void BundleCache::Keep(const std::string& key, const PlanBundle& bundle) {
  packs_.Keep(key, Serialize(bundle));
}

}  // namespace weir
