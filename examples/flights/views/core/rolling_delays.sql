-- How late the last fifty departures of an airport were, seen at each departure.
SELECT
  origin,
  flight_date,
  sched_dep_minute,
  carrier,
  flight,
  dep_delay,
  row_number() OVER (
    PARTITION BY origin ORDER BY flight_date, sched_dep_minute, carrier, flight
  ) AS departure_number,
  avg(dep_delay) OVER (
    PARTITION BY origin ORDER BY flight_date, sched_dep_minute, carrier, flight
    ROWS BETWEEN 49 PRECEDING AND CURRENT ROW
  ) AS average_of_last_50,
  max(dep_delay) OVER (
    PARTITION BY origin ORDER BY flight_date, sched_dep_minute, carrier, flight
    ROWS BETWEEN 49 PRECEDING AND CURRENT ROW
  ) AS worst_of_last_50
FROM stg_flights
WHERE dep_delay IS NOT NULL
