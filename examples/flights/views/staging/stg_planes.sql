SELECT
  tailnum,
  CAST(NULLIF(year, 'NA') AS BIGINT) AS built_year,
  type AS plane_type,
  manufacturer,
  model,
  engines,
  seats,
  CAST(NULLIF(speed, 'NA') AS BIGINT) AS cruise_speed,
  engine
FROM planes
