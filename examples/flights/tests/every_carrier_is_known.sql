SELECT DISTINCT f.carrier
FROM stg_flights f
LEFT JOIN stg_airlines a ON a.carrier = f.carrier
WHERE a.carrier IS NULL
