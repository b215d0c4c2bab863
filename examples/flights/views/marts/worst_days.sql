-- The ten worst days of each airport.
SELECT origin, flight_date, place, average_dep_delay, flights_departed
FROM (
  SELECT
    origin,
    flight_date,
    average_dep_delay,
    flights_departed,
    row_number() OVER (PARTITION BY origin ORDER BY average_dep_delay DESC, flight_date) AS place
  FROM daily_delays
  WHERE average_dep_delay IS NOT NULL
) ranked
WHERE place <= 10
