-- Planes without a year of construction stay, and are counted; one without a number would make joins wrong.
CREATE MATERIALIZED VIEW stg_planes (
  CONSTRAINT built_year_known EXPECT (built_year IS NOT NULL),
  CONSTRAINT tailnum_known EXPECT (tailnum IS NOT NULL AND tailnum <> 'NA') ON VIOLATION FAIL UPDATE
)
AS
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
