// SPDX-License-Identifier: Apache-2.0
//
// The expression API: everything that a C++ program needs to write views and filters. Included as
// "weir/expr.h".

#pragma once

#include "weir/expr/expression_builder.h"
#include "weir/expr/filter.h"
#include "weir/expr/project_view.h"
#include "weir/expr/view_builder.h"
#include "weir/expr_functions.h"
