-- All Parquet files below the folder. A Delta table: STORED AS DELTATABLE.
CREATE EXTERNAL TABLE events
STORED AS PARQUET
LOCATION 's3://${BUCKET}/${EVENTS:-raw/events/}';
