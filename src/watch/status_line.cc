// SPDX-License-Identifier: Apache-2.0

#include "weir/watch/status_line.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iostream>

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "weir/base/human_numbers.h"
#include "weir/base/text_width.h"
#include "weir/graph/critical_path.h"

namespace weir {

namespace {

constexpr auto kRedraw = std::chrono::milliseconds(100);
/// Over how long rows a second are measured.
constexpr int64_t kRateWindowUs = 2'000'000;

int64_t NowUs() {
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::microseconds>(now).count();
}

size_t WidthOfStderr() {
  winsize size{};
  if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
  static constexpr size_t kUsual = 80;
  return kUsual;
}

/// A name on one line: quoted names hold anything.
std::string OnOneLine(std::string name) {
  std::replace_if(
      name.begin(), name.end(), [](unsigned char c) { return c < ' ' || c == 0x7f; }, ' ');
  return name;
}

/// "~00:12 left", "~1:02:03 left".
std::string LeftText(double seconds) {
  const auto whole = static_cast<int64_t>(std::ceil(seconds));
  const int64_t hours = whole / 3600, minutes = whole / 60 % 60;
  return hours > 0 ? fmt::format("~{}:{:02}:{:02} left", hours, minutes, whole % 60)
                   : fmt::format("~{:02}:{:02} left", minutes, whole % 60);
}

}  // namespace

std::string StatusText(const RunProgress& progress, size_t width) {
  const std::string head =
      fmt::format("[{}/{}] {} running", progress.finished, progress.total, progress.running.size());
  std::string tail;
  if (progress.rows_a_second > 0)
    tail += fmt::format("  {} rows/s", HumanCount(progress.rows_a_second));
  if (progress.bytes_written > 0) tail += "  " + HumanBytes(progress.bytes_written);
  if (progress.resident_bytes > 0) tail += "  RSS " + HumanBytes(progress.resident_bytes);
  if (progress.seconds_left) tail += "  " + LeftText(*progress.seconds_left);
  std::string names;
  for (const std::string& name : progress.running)
    names += (names.empty() ? ": " : ", ") + OnOneLine(name);
  const size_t used = TextWidth(head) + TextWidth(tail);
  // Less than this of names says nothing.
  static constexpr size_t kLeastNames = 5;
  if (used + TextWidth(names) > width)
    names = used + kLeastNames <= width ? CutToWidth(names, width - used) : "";
  return CutToWidth(head + names + tail, width);
}

std::optional<double> SecondsLeft(const TaskGraph& graph,
                                  const std::map<std::string, double>& last_seconds,
                                  const std::set<std::string>& unfinished,
                                  const std::map<std::string, double>& running, int threads) {
  std::map<std::string, double> rest;
  for (const std::string& view : unfinished) {
    const auto last = last_seconds.find(view);
    if (last == last_seconds.end()) continue;
    const auto since = running.find(view);
    rest[view] = std::max(0.0, last->second - (since == running.end() ? 0 : since->second));
  }
  if (rest.empty()) return std::nullopt;
  double sum = 0, longest = 0, known = 0;
  for (const auto& [view, seconds] : rest) known += seconds;
  for (const auto& [view, path] : LongestPaths(graph, rest, &unfinished))
    longest = std::max(longest, path);
  // What nobody has timed takes as long as the others.
  sum = known * static_cast<double>(unfinished.size()) / static_cast<double>(rest.size());
  return std::max(longest, sum / std::max(1, threads));
}

int64_t ResidentBytes() {
  std::ifstream statm("/proc/self/statm");
  int64_t size = 0, resident = 0;
  if (!(statm >> size >> resident)) return 0;
  return resident * sysconf(_SC_PAGE_SIZE);
}

bool DrawsOnStderr() {
  const char* terminal = std::getenv("TERM");
  return isatty(STDERR_FILENO) != 0 && (terminal == nullptr || std::strcmp(terminal, "dumb") != 0);
}

StatusLine::~StatusLine() { Stop(); }

void StatusLine::Stop() {
  {
    const std::lock_guard lock(mutex_);
    stops_ = true;
  }
  stopped_.notify_all();
  if (drawer_.joinable()) drawer_.join();
}

RunProgress StatusLine::Look() {
  const int64_t now = NowUs();
  RunProgress progress{.finished = finished_, .total = total_};
  std::map<std::string, double> running;
  for (const auto& [name, began] : running_) {
    progress.running.push_back(name);
    running[name] = static_cast<double>(now - began) / 1e6;
  }
  if (sight_.rows_written != nullptr) {
    const int64_t rows = sight_.rows_written->load();
    rows_.emplace_back(now, rows);
    while (rows_.size() > 2 && rows_.front().first < now - kRateWindowUs) rows_.pop_front();
    const int64_t time = now - rows_.front().first;
    if (time > 0) progress.rows_a_second = (rows - rows_.front().second) * 1'000'000 / time;
  }
  progress.bytes_written = bytes_written_;
  progress.resident_bytes = ResidentBytes();
  if (sight_.graph != nullptr) {
    progress.seconds_left =
        SecondsLeft(*sight_.graph, sight_.last_seconds, unfinished_, running, sight_.threads);
  }
  return progress;
}

void StatusLine::Draw() {
  std::unique_lock lock(mutex_);
  while (!stops_) {
    const std::string line = StatusText(Look(), WidthOfStderr() - 1);
    if (line != drawn_) std::cerr << "\r" << line << "\033[K" << std::flush;
    drawn_ = line;
    stopped_.wait_for(lock, kRedraw, [&] { return stops_; });
  }
  if (!drawn_.empty()) std::cerr << "\r\033[K" << std::flush;
  drawn_.clear();
}

void StatusLine::Print(const RunEvent& event) {
  const ViewOutcome& view = *event.outcome;
  if (view.state == ViewState::kReused) return;  // the last line counts them
  std::string line = fmt::format("[{}/{}] {:7} {}", event.finished, event.total,
                                 ToString(view.state), view.view_name);
  if (view.state == ViewState::kRun) {
    line += fmt::format("  {} rows, {}, {:.2f} s ({})", view.rows, HumanBytes(view.bytes_written),
                        static_cast<double>(view.finished_at_us - view.started_at_us) / 1e6,
                        view.decision.reason);
  }
  // Whole lines go out at once, so that none is written into another.
  std::cerr << (drawn_.empty() ? "" : "\r\033[K") + line + "\n" << std::flush;
  drawn_.clear();
}

void StatusLine::Take(const RunEvent& event) {
  if (event.kind == RunEventKind::kRunFinished) return Stop();
  const std::lock_guard lock(mutex_);
  finished_ = event.finished;
  total_ = event.total;
  const auto is_this = [&](const auto& view) { return view.first == event.view_name; };
  switch (event.kind) {
    case RunEventKind::kRunStarted:
      unfinished_.insert(event.views->begin(), event.views->end());
      if (sight_.is_terminal && !drawer_.joinable()) drawer_ = std::thread([this] { Draw(); });
      break;
    case RunEventKind::kViewStarted:
      running_.emplace_back(event.view_name, NowUs());
      break;
    case RunEventKind::kViewFinished:
      std::erase_if(running_, is_this);
      unfinished_.erase(event.view_name);
      bytes_written_ += event.outcome->bytes_written;
      Print(event);
      break;
    case RunEventKind::kRunFinished:
      break;
  }
}

}  // namespace weir
