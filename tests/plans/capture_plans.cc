// SPDX-License-Identifier: Apache-2.0
//
// Writes the optimised plan of every query in tests/plans/cases.sql as the engine encodes it:
// <name>.bin, the bytes, and <name>.outputs.json, the output columns of its nodes. Run it when the
// engine or the cases change: capture_plans tests/plans

#include <filesystem>
#include <fstream>
#include <iostream>
#include <sstream>

#include <arrow/api.h>

#include "weir/engine/engine.h"

namespace weir {

namespace {

struct Case {
  std::string name;
  std::string sql;
};

/// A case is a comment line of one word, its name, and the statement up to the line that ends with
/// a semicolon.
std::vector<Case> ReadCases(const std::filesystem::path& file) {
  std::vector<Case> cases;
  std::ifstream stream(file);
  Case next;
  for (std::string line; std::getline(stream, line);) {
    if (line.starts_with("-- ")) {
      if (line.find(' ', 3) == std::string::npos) next.name = line.substr(3);
    } else if (!next.name.empty()) {
      next.sql += line + "\n";
      if (line.ends_with(";")) {
        next.sql.erase(next.sql.rfind(';'));
        cases.push_back(std::exchange(next, {}));
      }
    }
  }
  return cases;
}

std::map<std::string, std::shared_ptr<arrow::Schema>> Tables() {
  using arrow::field;
  const auto text = arrow::utf8();
  const auto whole = arrow::int64();
  const auto real = arrow::float64();
  const auto time = arrow::timestamp(arrow::TimeUnit::MICRO);
  const auto info = arrow::struct_(
      {field("a", arrow::struct_({field("b", whole), field("c", text)})), field("d", text)});
  return {
      {"flights",
       arrow::schema({field("year", whole), field("month", whole), field("day", whole),
                      field("dep_delay", real), field("arr_delay", real), field("carrier", text),
                      field("flight", whole), field("tailnum", text), field("origin", text),
                      field("dest", text), field("air_time", real), field("distance", whole),
                      field("time_hour", time)})},
      {"airports", arrow::schema({field("faa", text), field("name", text), field("lat", real),
                                  field("lon", real), field("tz", whole)})},
      {"planes", arrow::schema({field("tailnum", text), field("year", whole),
                                field("manufacturer", text), field("seats", whole)})},
      {"events", arrow::schema({field("id", whole), field("tags", arrow::list(text)),
                                field("info", info), field("at", time), field("value", real)})},
      {"edges",
       arrow::schema({field("source", whole), field("target", whole), field("weight", whole)})},
      {"odd", arrow::schema({field("Odd Name", text), field("a.b", whole)})},
      {"weir.runs", arrow::schema({field("run_id", text), field("state", text)})},
  };
}

Status RegisterAll(const engine::Session& session) {
  for (const auto& [name, schema] : Tables()) {
    const engine::FileTableSpec spec{.root_url = "file:///nowhere/" + name + "/",
                                     .format = "parquet"};
    WEIR_ASSIGN_OR_RETURN(const auto table, engine::Table::FromFiles(session, spec, schema));
    WEIR_RETURN_NOT_OK(session.RegisterTable(name, table));
  }
  WEIR_ASSIGN_OR_RETURN(
      const auto view,
      engine::Plan::FromSql(session,
                            "SELECT carrier AS code, dep_delay + arr_delay AS delay FROM flights "
                            "WHERE distance < 500"));
  return session.RegisterView("short_flights", view);
}

Status Capture(const engine::Session& session, const Case& query,
               const std::filesystem::path& folder) {
  WEIR_ASSIGN_OR_RETURN(const auto plan, engine::Plan::FromSql(session, query.sql));
  WEIR_ASSIGN_OR_RETURN(const auto optimized, plan.Optimize(session));
  WEIR_ASSIGN_OR_RETURN(const std::string bytes, optimized.ToProto());
  WEIR_ASSIGN_OR_RETURN(const std::string outputs, optimized.Outputs());
  std::ofstream(folder / (query.name + ".bin"), std::ios::binary) << bytes;
  std::ofstream(folder / (query.name + ".outputs.json")) << outputs << "\n";
  return Status::OK();
}

int CaptureAll(const std::filesystem::path& folder) {
  const auto session =
      engine::Session::Open({.settings = {{"datafusion.execution.time_zone", "+00:00"}}});
  if (!session.ok()) {
    std::cerr << session.status().ToString() << "\n";
    return 1;
  }
  Status status = RegisterAll(*session);
  if (!status.ok()) {
    std::cerr << status.ToString() << "\n";
    return 1;
  }
  int failures = 0;
  for (const Case& query : ReadCases(folder / "cases.sql")) {
    status = Capture(*session, query, folder);
    if (status.ok()) continue;
    ++failures;
    std::cerr << query.name << ": " << status.ToString() << "\n" << status.cause() << "\n";
  }
  return failures == 0 ? 0 : 1;
}

}  // namespace

}  // namespace weir

int main(int count, char** arguments) {
  if (count != 2) {
    std::cerr << "usage: capture_plans FOLDER\n";
    return 2;
  }
  return weir::CaptureAll(arguments[1]);
}
