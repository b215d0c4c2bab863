-- Each flight of an aircraft beside the one it made before.
SELECT
  tailnum,
  flight_date,
  sched_dep_minute,
  carrier,
  flight,
  origin,
  dest,
  dep_delay,
  lag(dest) OVER (
    PARTITION BY tailnum ORDER BY scheduled_hour, sched_dep_minute, carrier, flight, origin
  ) AS previous_dest,
  lag(arr_delay) OVER (
    PARTITION BY tailnum ORDER BY scheduled_hour, sched_dep_minute, carrier, flight, origin
  ) AS previous_arr_delay
FROM stg_flights
WHERE tailnum IS NOT NULL
