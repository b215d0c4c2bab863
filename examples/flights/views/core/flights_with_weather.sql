SELECT
  f.flight_date,
  f.carrier,
  f.flight,
  f.origin,
  f.dest,
  f.sched_dep_time,
  f.dep_delay,
  w.temperature_f,
  w.wind_mph,
  w.rain_inches,
  w.visibility_miles
FROM stg_flights f
LEFT JOIN stg_weather w ON w.origin = f.origin AND w.observed_hour = f.scheduled_hour
