SELECT
  carrier,
  origin,
  dest,
  count(*) AS flights_flown,
  min(distance) AS distance_miles,
  min(air_time) AS fastest_minutes,
  avg(air_time) AS average_minutes
FROM stg_flights
WHERE air_time IS NOT NULL
GROUP BY carrier, origin, dest
