#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Gets the Java half of delta-spark with Maven; prints the folder that holds it, its only line on stdout.
set -euo pipefail
cd "$(dirname "$0")/.."

version=$(sed -n 's/^delta-spark==//p' tests/readers/requirements-spark.txt)
spark=$(sed -n 's/^pyspark==\([0-9]*\.[0-9]*\).*/\1/p' tests/readers/requirements-spark.txt)
folder="${WEIR_CACHE_DIR:-$HOME/.cache/weir}/delta-spark-$version"
for artifact in "delta-spark_${spark}_2.13" delta-storage; do
  [ -e "$folder/$artifact-$version.jar" ] && continue
  mkdir -p "$folder"
  mvn -q -B org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy "-Dartifact=io.delta:$artifact:$version" \
    "-DoutputDirectory=$folder" ${WEIR_MAVEN_SETTINGS:+-s "$WEIR_MAVEN_SETTINGS"} >&2
done
echo "$folder"
