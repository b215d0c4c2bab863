-- Delay by visibility and rain.
SELECT
  origin,
  CASE
    WHEN visibility_miles IS NULL THEN 'unknown'
    WHEN visibility_miles < 1 THEN 'fog'
    WHEN visibility_miles < 5 THEN 'mist'
    ELSE 'clear'
  END AS visibility,
  coalesce(rain_inches > 0, FALSE) AS is_raining,
  count(*) AS flights_planned,
  count(dep_delay) AS flights_departed,
  avg(dep_delay) AS average_dep_delay,
  CAST(sum(temperature_f) AS DOUBLE) / count(temperature_f) AS average_temperature_f,
  max(wind_mph) AS strongest_wind_mph
FROM flights_with_weather
GROUP BY 1, 2, 3
