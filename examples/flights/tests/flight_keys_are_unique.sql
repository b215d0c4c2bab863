SELECT flight_id, count(*) AS flights
FROM flight_keys
GROUP BY flight_id
HAVING count(*) > 1
