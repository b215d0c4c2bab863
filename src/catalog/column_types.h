// SPDX-License-Identifier: Apache-2.0
//
// Types of columns that files have beside each other. In: two Arrow types. Out: whether they hold
// the same values, and the narrowest type that holds the values of both unchanged. Nothing is read
// here.

#pragma once

#include <memory>
#include <string>

#include <arrow/type_fwd.h>

namespace weir {

/// As SQL names it: `BIGINT`, `DECIMAL(10,2)`, `STRUCT<a INT, b VARCHAR>`. Types without a name
/// there are named as Arrow does.
std::string SqlTypeName(const arrow::DataType& type);

/// Whether both hold the same values, however they lie in memory: encodings of texts and bytes,
/// dictionaries, kinds of lists, names of one time zone.
bool IsSameType(const arrow::DataType& a, const arrow::DataType& b);

/// The type that holds all values of both unchanged; null if there is none. Fields of structs go by
/// name, and one that only one side has is a field of the result; names that differ in case alone
/// have nothing in common. Depends on the two types, not on which comes first, but for how texts,
/// bytes and lists lie in memory.
std::shared_ptr<arrow::DataType> WiderType(const std::shared_ptr<arrow::DataType>& a,
                                           const std::shared_ptr<arrow::DataType>& b);

/// Whether all values of `from` are values of `to`.
bool Widens(const std::shared_ptr<arrow::DataType>& from,
            const std::shared_ptr<arrow::DataType>& to);

}  // namespace weir
