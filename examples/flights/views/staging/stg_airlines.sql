SELECT
  carrier,
  trim(name) AS airline
FROM airlines
