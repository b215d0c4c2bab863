// SPDX-License-Identifier: Apache-2.0
//
// Lets C++ see, and thin out, every batch that a write consumes, on its way into the files.

#pragma once

#include <cstdint>

#include "weir/engine/arrow_abi.h"

namespace weir {

/// Called for each batch of each partition, from several threads at once; batches of one partition
/// come in order.
class BatchTap {
 public:
  virtual ~BatchTap() = default;

  /// Takes over the contents of both structures. Returns true, and fills `kept`, if other rows of
  /// the same schema are to be written in the batch's place. Throws std::exception to fail the
  /// write with its text.
  virtual bool OnBatch(uint32_t partition, ArrowArray* array, ArrowSchema* schema,
                       ArrowArray* kept) const = 0;
};

}  // namespace weir
