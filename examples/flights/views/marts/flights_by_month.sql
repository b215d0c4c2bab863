CREATE MATERIALIZED VIEW flights_by_month
PARTITIONED BY (month)
COMMENT 'Traffic and punctuality of each carrier and airport by month'
AS
SELECT
  month,
  carrier,
  origin,
  count(*) AS flights_planned,
  count(dep_time) AS flights_departed,
  sum(distance) AS miles,
  avg(arr_delay) AS average_arr_delay
FROM stg_flights
GROUP BY month, carrier, origin
