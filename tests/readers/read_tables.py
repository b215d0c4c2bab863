# SPDX-License-Identifier: Apache-2.0
"""Reads Delta tables with one program: `python read_tables.py deltalake|polars|duckdb|spark` in that program's environment.

In: a JSON object of names and folders on stdin. Out: a JSON object on stdout, of each table `{"columns": […], "rows": [texts]}` in the form
of canonical.py, or `{"error": text}`.
"""

import glob
import json
import os
import sys

import canonical


def from_arrow(value, kind):
    """Python values of Arrow's, maps told from lists of structs by the type."""
    import pyarrow as pa

    if value is None:
        return None
    if pa.types.is_map(kind):
        return canonical.Map((from_arrow(k, kind.key_type), from_arrow(v, kind.item_type)) for k, v in value)
    if pa.types.is_struct(kind):
        return canonical.Struct({field.name: from_arrow(value[field.name], field.type) for field in kind})
    if pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_list_view(kind):
        return [from_arrow(item, kind.value_type) for item in value]
    return value


def of_arrow(table):
    columns = [[from_arrow(value, field.type) for value in column.to_pylist()] for field, column in zip(table.schema, table.columns)]
    return {"columns": table.column_names, "rows": canonical.forms(zip(*columns))}


def read_deltalake(folder):
    import deltalake

    return of_arrow(deltalake.DeltaTable(folder).to_pyarrow_table())


def read_polars(folder):
    import polars

    frame = polars.read_delta(folder)
    return {"columns": frame.columns, "rows": canonical.forms(tuple(of_polars(v, t) for v, t in zip(row, frame.dtypes)) for row in frame.rows())}


def of_polars(value, kind):
    import polars

    if value is None:
        return None
    if isinstance(kind, polars.Map):
        return canonical.Map((of_polars(k, kind.key), of_polars(v, kind.value)) for k, v in value.items())
    if isinstance(kind, polars.List):
        return [of_polars(item, kind.inner) for item in value]
    if isinstance(kind, polars.Struct):
        return canonical.Struct({field.name: of_polars(value[field.name], field.dtype) for field in kind.fields})
    return value


def duckdb_reader():
    import duckdb
    import duckdb_extensions

    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    duckdb_extensions.import_extension("delta", con=connection)
    connection.execute("LOAD delta")

    def read(folder):
        quoted = folder.replace("'", "''")
        return of_arrow(connection.execute(f"SELECT * FROM delta_scan('{quoted}')").to_arrow_table())

    return read


def spark_session():
    from pyspark.sql import SparkSession

    jars = ",".join(sorted(glob.glob(os.path.join(os.environ["WEIR_SPARK_JARS"], "*.jar"))))
    settings = {
        "spark.jars": jars,
        "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
        "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
        "spark.sql.session.timeZone": "UTC",
        "spark.databricks.delta.snapshotPartitions": "1",
        "spark.sql.shuffle.partitions": "1",
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.host": "127.0.0.1",
    }
    builder = SparkSession.builder.master("local[1]")
    for key, value in settings.items():
        builder = builder.config(key, value)
    session = builder.getOrCreate()
    session.sparkContext.setLogLevel("ERROR")
    return session


def spark_reader():
    session = spark_session()

    def read(folder):
        frame = session.read.format("delta").load(folder)
        rows = [[of_spark(row[i], field.dataType) for i, field in enumerate(frame.schema.fields)] for row in frame.collect()]
        return {"columns": frame.columns, "rows": canonical.forms(rows)}

    return read


def of_spark(value, kind):
    import datetime

    from pyspark.sql import types

    if value is None:
        return None
    if isinstance(kind, types.MapType):
        return canonical.Map((of_spark(k, kind.keyType), of_spark(v, kind.valueType)) for k, v in value.items())
    if isinstance(kind, types.StructType):
        return canonical.Struct({field.name: of_spark(value[i], field.dataType) for i, field in enumerate(kind.fields)})
    if isinstance(kind, types.ArrayType):
        return [of_spark(item, kind.elementType) for item in value]
    if isinstance(kind, types.TimestampType):
        # Spark hands out local times of the machine; the test runs it in UTC.
        return value.replace(tzinfo=datetime.timezone.utc)
    return value


def main() -> None:
    readers = {"deltalake": lambda: read_deltalake, "polars": lambda: read_polars, "duckdb": duckdb_reader, "spark": spark_reader}
    read = readers[sys.argv[1]]()
    answers = {}
    for name, folder in json.load(sys.stdin).items():
        try:
            answers[name] = read(folder)
        except Exception as error:  # what a reader cannot read is its answer
            answers[name] = {"error": f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"}
    json.dump(answers, sys.stdout)


if __name__ == "__main__":
    main()
