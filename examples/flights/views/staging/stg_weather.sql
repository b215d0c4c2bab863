-- Exact decimals where averages are taken, so that the order of summing cannot matter. The hour that the clock showed twice when
-- summer time ended has two rows with the same `time_hour`; the smaller wind and the greater rain are kept.
SELECT
  origin,
  CAST(time_hour AS TIMESTAMP(6)) AS observed_hour,
  min(CAST(NULLIF(temp, 'NA') AS DECIMAL(6, 2))) AS temperature_f,
  min(CAST(NULLIF(humid, 'NA') AS DECIMAL(6, 2))) AS humidity,
  min(CAST(NULLIF(wind_speed, 'NA') AS DOUBLE)) AS wind_mph,
  max(CAST(NULLIF(wind_gust, 'NA') AS DOUBLE)) AS gust_mph,
  max(precip) AS rain_inches,
  min(CAST(NULLIF(pressure, 'NA') AS DOUBLE)) AS pressure_mbar,
  min(visib) AS visibility_miles
FROM weather
GROUP BY origin, time_hour
