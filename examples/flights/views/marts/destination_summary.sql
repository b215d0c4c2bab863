SELECT
  s.airport,
  s.airport_name,
  s.time_zone,
  count(DISTINCT r.carrier) AS carriers,
  sum(r.flights_flown) AS flights_flown,
  min(r.fastest_minutes) AS fastest_minutes
FROM airports_served s
JOIN carrier_routes r ON r.dest = s.airport
GROUP BY s.airport, s.airport_name, s.time_zone
