-- Every flight that left New York in 2013. `NA` stands for an unknown value, so columns that have it are text here.
CREATE EXTERNAL TABLE flights (
  year BIGINT,
  month BIGINT,
  day BIGINT,
  dep_time VARCHAR,
  sched_dep_time BIGINT,
  dep_delay VARCHAR,
  arr_time VARCHAR,
  sched_arr_time BIGINT,
  arr_delay VARCHAR,
  carrier VARCHAR,
  flight BIGINT,
  tailnum VARCHAR,
  origin VARCHAR,
  dest VARCHAR,
  air_time VARCHAR,
  distance BIGINT,
  hour BIGINT,
  minute BIGINT,
  time_hour VARCHAR
)
STORED AS CSV
LOCATION 'data/flights.csv'
OPTIONS ('has_header' 'true');
