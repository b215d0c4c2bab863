-- Hourly weather at the three airports of New York.
CREATE EXTERNAL TABLE weather (
  origin VARCHAR,
  year BIGINT,
  month BIGINT,
  day BIGINT,
  hour BIGINT,
  temp VARCHAR,
  dewp VARCHAR,
  humid VARCHAR,
  wind_dir VARCHAR,
  wind_speed VARCHAR,
  wind_gust VARCHAR,
  precip DOUBLE,
  pressure VARCHAR,
  visib DOUBLE,
  time_hour VARCHAR
)
STORED AS CSV
LOCATION 'data/weather.csv'
OPTIONS ('has_header' 'true');
