SELECT
  flight_date,
  origin,
  count(*) AS flights_planned,
  count(dep_delay) AS flights_departed,
  avg(dep_delay) AS average_dep_delay,
  avg(arr_delay) AS average_arr_delay,
  max(dep_delay) AS worst_dep_delay
FROM stg_flights
GROUP BY flight_date, origin
