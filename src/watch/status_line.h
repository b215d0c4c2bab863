// SPDX-License-Identifier: Apache-2.0
//
// One line on a terminal that says how far a run is, drawn anew a few times a second. In: events,
// rows as they are written, how long views took the last time. Out: that line, and above it one
// line a view that was built or failed; in a pipe only these.

#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "weir/graph/task_graph.h"
#include "weir/watch/run_event.h"

namespace weir {

/// What the line says.
struct RunProgress {
  int finished = 0, total = 0;
  std::vector<std::string> running;  ///< oldest first
  int64_t rows_a_second = 0;
  int64_t bytes_written = 0;   ///< by views that are done
  int64_t resident_bytes = 0;  ///< memory of this process
  std::optional<double> seconds_left;
};

/// `[12/40] 3 running: a, b, c  1.2 M rows/s  84 MB  RSS 310 MB  ~00:12 left` in at most `width`
/// columns: names are cut first, then the end.
std::string StatusText(const RunProgress& progress, size_t width);

/// How long the rest of a run takes at least, by how long views took: as much as all have to do
/// together on `threads` threads, or the longest chain, whichever is more. `running`: seconds since
/// views began. Nothing where no view of the rest has a time.
std::optional<double> SecondsLeft(const TaskGraph& graph,
                                  const std::map<std::string, double>& last_seconds,
                                  const std::set<std::string>& unfinished,
                                  const std::map<std::string, double>& running, int threads);

/// Memory that this process has in use; 0 if unknown.
int64_t ResidentBytes();

class StatusLine : public RunEventConsumer {
 public:
  struct Sight {
    bool is_terminal = false;  ///< of stderr, which is able to draw a line anew
    const std::atomic<int64_t>* rows_written = nullptr;
    const TaskGraph* graph = nullptr;
    std::map<std::string, double> last_seconds;
    int threads = 1;
  };

  StatusLine() = default;
  ~StatusLine() override;
  StatusLine(const StatusLine&) = delete;
  StatusLine& operator=(const StatusLine&) = delete;

  /// REQUIRES: called once, before the first event; what `sight` points at outlives the object
  void See(Sight sight) { sight_ = std::move(sight); }
  void Take(const RunEvent& event) override;
  /// Takes the line off the terminal, for good, so that other lines can be written.
  void Stop();

 private:
  void Draw();
  void Print(const RunEvent& event);
  /// REQUIRES: mutex_ is held
  RunProgress Look();

  Sight sight_;
  std::mutex mutex_;
  std::condition_variable stopped_;
  bool stops_ = false;
  std::set<std::string> unfinished_;
  std::vector<std::pair<std::string, int64_t>> running_;  ///< name, and when it began
  int finished_ = 0, total_ = 0;
  int64_t bytes_written_ = 0;
  std::deque<std::pair<int64_t, int64_t>> rows_;  ///< when, and how many there were by then
  std::string drawn_;
  std::thread drawer_;
};

/// Whether stderr is a terminal on which a line can be drawn anew.
bool DrawsOnStderr();

}  // namespace weir
