// SPDX-License-Identifier: Apache-2.0

#include "weir/artifacts/record_tests.h"

#include "weir/artifacts/artifact_tables.h"

namespace weir {

namespace {

ArtifactValue TextOrNull(const std::string& text) {
  if (text.empty()) return {};
  return text;
}

}  // namespace

Status RecordTests(const std::string& run_id, const std::vector<TestRecord>& tests,
                   const SessionRuntime& session) {
  if (tests.empty()) return Status::OK();
  ArtifactRows rows(run_id);
  for (const TestRecord& test : tests) {
    rows.Add("tests", {run_id, test.name, test.kind, TextOrNull(test.view_name), test.state,
                       test.rows, TextOrNull(test.message), TextOrNull(test.location.file),
                       int64_t{test.location.line}, test.started_at_us, test.finished_at_us});
  }
  // Tests hold no lock.
  return rows.Commit(session.engine(), session.warehouse_url(), tests.back().finished_at_us / 1000,
                     CommitDurability::kWhole);
}

}  // namespace weir
