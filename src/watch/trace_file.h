// SPDX-License-Identifier: Apache-2.0
//
// Where the time of a run went, as a file for https://ui.perfetto.dev or chrome://tracing: Chrome's
// trace event format. In: events. Out: one slice for the run, one a view in the lane of the thread
// that worked on it, and in it one a phase: decide, write, commit.

#pragma once

#include <memory>
#include <string>

#include <nlohmann/json.hpp>

#include "weir/base/result.h"
#include "weir/watch/run_event.h"

namespace weir {

class TraceFile : public RunEventConsumer {
 public:
  /// Fails with kIo where the file cannot be written; leaves what it holds until the run has ended.
  static Result<std::unique_ptr<TraceFile>> Open(const std::string& path);

  void Take(const RunEvent& event) override;

  /// Whether the file was written. REQUIRES: the run has finished
  const Status& status() const { return status_; }

 private:
  explicit TraceFile(std::string path) : path_(std::move(path)) {}
  void AddView(const RunEvent& event);
  void AddSlice(std::string name, std::string_view category, int lane, int64_t begin_us,
                int64_t end_us, nlohmann::ordered_json arguments);
  void Write(const RunEvent& event);

  const std::string path_;
  nlohmann::ordered_json slices_ = nlohmann::ordered_json::array();
  int threads_ = 0;
  Status status_;
};

}  // namespace weir
