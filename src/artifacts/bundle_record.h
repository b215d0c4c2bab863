// SPDX-License-Identifier: Apache-2.0
//
// What a bundle holds beside its plan, functions and fingerprint, as one JSON text
// (`plan_bundles.plan_details`), so that the bundle can be executed again from artifacts alone.

#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "weir/base/result.h"
#include "weir/bundle/plan_bundle.h"

namespace weir {

/// `now_us`: what `now()` and the like gave when the bundle was executed. Bytes stand as hex
/// digits.
std::string BundleDetailsJson(const PlanBundle& bundle, int64_t now_us);

/// Fills what BundleDetailsJson wrote into `bundle`, and returns `now_us`. Fails with kUnsupported
/// on the text of an earlier Weir, which lacks some of it.
Result<int64_t> ReadBundleDetails(std::string_view json, PlanBundle& bundle);

}  // namespace weir
