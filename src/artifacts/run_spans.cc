// SPDX-License-Identifier: Apache-2.0

#include "weir/artifacts/run_spans.h"

#include <algorithm>

#include <fmt/format.h>

#include "weir/base/fingerprint.h"
#include "weir/lineage/open_lineage.h"

namespace weir {

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

namespace {

/// The operators of a view's plan within the phase that executes it, nested as they are there. The
/// engine opens children before or after their parents, and lets go of them when these have had
/// enough: an operator lasts from when the first of it and of all below it began until the last of
/// them ended, but no longer than the phase. Leaves that keep no time have no span.
void AddOperators(const std::string& run_id, const RunSpan& phase, std::vector<RunSpan>& spans) {
  std::vector<OperatorMetrics> operators = ReadOperatorMetrics(phase.view->metrics_json);
  const size_t none = operators.size();
  std::vector<size_t> parents(operators.size(), none), path;  // path: from the root
  for (size_t i = 0; i < operators.size(); ++i) {
    path.resize(std::min(path.size(), operators[i].depth));
    if (!path.empty()) parents[i] = path.back();
    path.push_back(i);
  }
  for (size_t i = operators.size(); i-- > 0;) {
    OperatorMetrics& one = operators[i];
    if (!one.started_at_us) continue;
    one.finished_at_us = std::max(one.finished_at_us.value_or(0), *one.started_at_us);
    if (parents[i] == none) continue;
    OperatorMetrics& parent = operators[parents[i]];
    parent.started_at_us =
        std::min(parent.started_at_us.value_or(*one.started_at_us), *one.started_at_us);
    parent.finished_at_us = std::max(parent.finished_at_us.value_or(0), *one.finished_at_us);
  }
  const auto id_of = [&](size_t i) {
    return i == none ? phase.span_id
                     : SpanIdOf(run_id, phase.view_name, fmt::format("operator {}", i));
  };
  for (size_t i = 0; i < operators.size(); ++i) {
    OperatorMetrics& one = operators[i];
    if (!one.started_at_us) continue;
    const auto within = [&](int64_t time) {
      return std::clamp(time, phase.begin_us, phase.end_us);
    };
    spans.push_back({.span_id = id_of(i),
                     .parent_id = id_of(parents[i]),
                     .kind = "operator",
                     .name = one.name,
                     .view_name = phase.view_name,
                     .begin_us = within(*one.started_at_us),
                     .end_us = within(*one.finished_at_us),
                     .view = phase.view,
                     .figures = std::move(one)});
  }
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
                     .end_us = std::max(begin_us, end_us),
                     .view = &view});
  };
  const int64_t wrote_from = view.write_began_at_us, committed_from = view.commit_began_at_us;
  if (wrote_from == 0) return;
  add("decide", view.started_at_us, wrote_from);
  add("write", wrote_from, committed_from > 0 ? committed_from : view.finished_at_us);
  AddOperators(run_id, RunSpan(spans.back()), spans);
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
