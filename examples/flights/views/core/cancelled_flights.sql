SELECT
  flight_date,
  carrier,
  flight,
  origin,
  dest,
  sched_dep_time,
  scheduled_hour
FROM stg_flights
WHERE dep_time IS NULL
