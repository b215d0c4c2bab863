// SPDX-License-Identifier: Apache-2.0

#include "weir/artifacts/run_spans.h"

#include <algorithm>

#include "weir/base/fingerprint.h"
#include "weir/lineage/open_lineage.h"

namespace weir {

namespace {

std::string SpanIdOf(const std::string& run_id, const std::string& view, const std::string& name) {
  std::string hex = FingerprintBuilder()
                        .Add("run", run_id)
                        .Add("view", view)
                        .Add("span", name)
                        .Finish()
                        .ToString();
  hex.resize(16, '0');
  return hex;
}

void AddPhases(const std::string& run_id, const RunSpan& parent, const ViewOutcome& view,
               std::vector<RunSpan>& spans) {
  const auto add = [&](const char* name, int64_t begin_us, int64_t end_us) {
    spans.push_back({.span_id = SpanIdOf(run_id, view.view_name, name),
                     .parent_id = parent.span_id,
                     .kind = "phase",
                     .name = name,
                     .view_name = view.view_name,
                     .begin_us = begin_us,
                     .end_us = std::max(begin_us, end_us)});
  };
  const int64_t wrote_from = view.write_began_at_us, committed_from = view.commit_began_at_us;
  if (wrote_from == 0) return;
  add("decide", view.started_at_us, wrote_from);
  add("write", wrote_from, committed_from > 0 ? committed_from : view.finished_at_us);
  if (committed_from > 0) add("commit", committed_from, view.finished_at_us);
}

}  // namespace

std::string TraceIdOf(const std::string& run_id) {
  std::string id = UuidOf(run_id, "");
  std::erase(id, '-');
  return id;
}

std::vector<RunSpan> SpansOf(const RunEnvelope& envelope) {
  const std::string& run_id = envelope.run_id;
  std::vector<RunSpan> spans = {{.span_id = SpanIdOf(run_id, "", "run"),
                                 .parent_id = {},
                                 .kind = "run",
                                 .name = run_id,
                                 .view_name = {},
                                 .begin_us = envelope.started_at_us,
                                 .end_us = envelope.finished_at_us,
                                 .is_error = envelope.state != "succeeded",
                                 .message = envelope.state == "succeeded" ? "" : envelope.state}};
  const std::string root = spans.front().span_id;
  for (const ViewOutcome& view : envelope.views) {
    if (view.state == ViewState::kReused || view.state == ViewState::kBlocked) continue;
    const RunSpan span{.span_id = SpanIdOf(run_id, view.view_name, "view"),
                       .parent_id = root,
                       .kind = "view",
                       .name = view.view_name,
                       .view_name = view.view_name,
                       .begin_us = view.started_at_us,
                       .end_us = std::max(view.started_at_us, view.finished_at_us),
                       .is_error = view.state == ViewState::kFailed,
                       .message = view.status.message(),
                       .view = &view};
    spans.push_back(span);
    AddPhases(run_id, span, view, spans);
  }
  return spans;
}

}  // namespace weir
