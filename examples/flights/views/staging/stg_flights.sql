-- Flights with real types; times of day are minutes after midnight.
SELECT
  make_date(year, month, day) AS flight_date,
  year,
  month,
  day,
  carrier,
  flight,
  NULLIF(tailnum, 'NA') AS tailnum,
  origin,
  dest,
  sched_dep_time,
  hour * 60 + minute AS sched_dep_minute,
  CAST(NULLIF(dep_time, 'NA') AS BIGINT) AS dep_time,
  CAST(NULLIF(dep_delay, 'NA') AS BIGINT) AS dep_delay,
  sched_arr_time,
  CAST(NULLIF(arr_time, 'NA') AS BIGINT) AS arr_time,
  CAST(NULLIF(arr_delay, 'NA') AS BIGINT) AS arr_delay,
  CAST(NULLIF(air_time, 'NA') AS BIGINT) AS air_time,
  distance,
  CAST(time_hour AS TIMESTAMP(6)) AS scheduled_hour
FROM flights
