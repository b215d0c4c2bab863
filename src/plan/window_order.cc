// SPDX-License-Identifier: Apache-2.0

#include "weir/plan/window_order.h"

#include <set>
#include <string_view>

#include <arrow/api.h>

namespace weir::internal {

namespace {

using Names = std::set<std::string_view>;

/// Number rows or look at their neighbours, whatever the frame.
const Names kNumbering = {"row_number", "ntile", "lag", "lead"};
/// Are the same for all peers.
const Names kRanking = {"rank", "dense_rank", "percent_rank", "cume_dist"};
const Names kOrdered = {"first_value", "last_value", "nth_value",
                        "array_agg",   "string_agg", kAnyValue};
const Names kArriving = {"approx_percentile_cont", "approx_percentile_cont_with_weight",
                         "approx_median"};

bool IsUnbounded(const FrameBound& bound) {
  return bound.kind != FrameBoundKind::kCurrentRow &&
         (!bound.distance || bound.distance->literal == nullptr ||
          !bound.distance->literal->is_valid);
}

/// A frame as a function has it, its defaults filled in.
struct Frame {
  FrameUnits units = FrameUnits::kRange;
  FrameBound start = {.kind = FrameBoundKind::kPreceding, .distance = {}};
  FrameBound end;

  explicit Frame(const Expression& function) {
    if (function.frame == nullptr) return;
    units = function.frame->units;
    start = function.frame->start;
    end = function.frame->end.value_or(FrameBound{});
  }

  bool starts_with_partition() const {
    return start.kind == FrameBoundKind::kPreceding && IsUnbounded(start);
  }
  bool ends_with_partition() const {
    return end.kind == FrameBoundKind::kFollowing && IsUnbounded(end);
  }
  bool is_whole_partition() const { return starts_with_partition() && ends_with_partition(); }
  bool has_distance() const {
    const auto is_distance = [](const FrameBound& bound) {
      return bound.kind != FrameBoundKind::kCurrentRow && !IsUnbounded(bound);
    };
    return is_distance(start) || is_distance(end);
  }
};

}  // namespace

bool KeepsOrder(const std::string& function) { return kOrdered.contains(function); }

bool TakesArriving(const std::string& function) { return kArriving.contains(function); }

Need NeedOf(const Expression& function) {
  if (kNumbering.contains(function.name)) return Need::kRows;
  if (kRanking.contains(function.name)) return Need::kNothing;
  const Frame frame(function);
  const bool is_ordered = KeepsOrder(function.name) || TakesArriving(function.name);
  if (frame.is_whole_partition()) return is_ordered ? Need::kValues : Need::kNothing;
  if (frame.units == FrameUnits::kRows) return Need::kRows;
  if (!is_ordered) return Need::kNothing;
  // The first row of a partition is the first of every frame that begins there and has its row.
  const bool has_row =
      (frame.start.kind == FrameBoundKind::kCurrentRow || frame.starts_with_partition()) &&
      (frame.end.kind == FrameBoundKind::kCurrentRow || frame.ends_with_partition());
  const bool is_end_of_partition =
      (function.name == "first_value" && frame.starts_with_partition()) ||
      (function.name == "last_value" && frame.ends_with_partition());
  return has_row && is_end_of_partition && !function.ignore_nulls ? Need::kValues : Need::kPeers;
}

std::shared_ptr<const WindowFrame> RowsFrame(bool to_end_of_partition) {
  static const auto kUpTo = std::make_shared<const WindowFrame>(
      WindowFrame{.units = FrameUnits::kRows,
                  .start = {.kind = FrameBoundKind::kPreceding, .distance = {}},
                  .end = FrameBound{}});
  static const auto kFrom = std::make_shared<const WindowFrame>(
      WindowFrame{.units = FrameUnits::kRows,
                  .start = {},
                  .end = FrameBound{.kind = FrameBoundKind::kFollowing, .distance = {}}});
  return to_end_of_partition ? kFrom : kUpTo;
}

void SettleFrame(Expression& function) {
  const Frame frame(function);
  if (frame.units == FrameUnits::kRows || frame.is_whole_partition()) return;
  if (kNumbering.contains(function.name)) {
    if (!frame.has_distance()) return;
    function.frame = RowsFrame(false);
  } else {
    function.frame = RowsFrame(function.name == "last_value");
  }
  function.text = ToText(*function.frame);
}

}  // namespace weir::internal
