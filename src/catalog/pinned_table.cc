// SPDX-License-Identifier: Apache-2.0

#include "weir/catalog/pinned_table.h"

namespace weir {

std::string_view ToString(TableKind kind) {
  switch (kind) {
    case TableKind::kDelta:
      return "delta";
    case TableKind::kListing:
      return "listing";
    case TableKind::kView:
      return "view";
  }
  return "delta";
}

}  // namespace weir
