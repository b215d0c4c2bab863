// SPDX-License-Identifier: Apache-2.0

#include "weir/bundle/plan_bundle.h"

namespace weir {

PlanBundle BundleOf(const ViewDefinition& view) {
  PlanBundle bundle;
  bundle.view_name = view.name;
  bundle.file = view.file;
  bundle.definition_sql = view.definition_sql;
  bundle.location = view.location;
  bundle.partition_columns = view.partition_columns;
  bundle.partition_locations = view.partition_locations;
  bundle.cluster_columns = view.cluster_columns;
  bundle.comment = view.comment;
  bundle.properties = view.properties;
  return bundle;
}

}  // namespace weir
