SELECT
  faa AS airport,
  name AS airport_name,
  lat AS latitude,
  lon AS longitude,
  alt AS altitude_feet,
  tz AS utc_offset_hours,
  NULLIF(tzone, 'NA') AS time_zone
FROM airports
