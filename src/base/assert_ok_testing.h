// SPDX-License-Identifier: Apache-2.0
//
// Results in tests.

#pragma once

#include <utility>

#include <gtest/gtest.h>

#include "weir/base/result.h"

/// Ends the test with the status where `expression`, a Result, has failed; else assigns its value.
#define ASSERT_OK_AND_ASSIGN(target, expression) \
  ASSERT_OK_AND_ASSIGN_(WEIR_CONCAT_(result_, __COUNTER__), target, expression)
#define ASSERT_OK_AND_ASSIGN_(result, target, expression) \
  auto result = (expression);                             \
  ASSERT_TRUE(result.ok()) << result.status().ToString(); \
  target = *std::move(result)
