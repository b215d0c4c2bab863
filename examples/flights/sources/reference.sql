-- What the flights refer to: carriers, airports, aircraft.
CREATE EXTERNAL TABLE airlines (
  carrier VARCHAR,
  name VARCHAR
)
STORED AS CSV
LOCATION 'data/airlines.csv'
OPTIONS ('has_header' 'true');

CREATE EXTERNAL TABLE airports (
  faa VARCHAR,
  name VARCHAR,
  lat DOUBLE,
  lon DOUBLE,
  alt BIGINT,
  tz BIGINT,
  dst VARCHAR,
  tzone VARCHAR
)
STORED AS CSV
LOCATION 'data/airports.csv'
OPTIONS ('has_header' 'true');

CREATE EXTERNAL TABLE planes (
  tailnum VARCHAR,
  year VARCHAR,
  type VARCHAR,
  manufacturer VARCHAR,
  model VARCHAR,
  engines BIGINT,
  seats BIGINT,
  speed VARCHAR,
  engine VARCHAR
)
STORED AS CSV
LOCATION 'data/planes.csv'
OPTIONS ('has_header' 'true');
