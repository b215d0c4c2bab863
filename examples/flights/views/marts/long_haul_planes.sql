-- Aircraft that have crossed the continent and are bigger than the average one.
SELECT p.tailnum, p.manufacturer, p.model, p.seats
FROM stg_planes p
WHERE p.seats > (SELECT avg(seats) FROM stg_planes)
  AND EXISTS (SELECT 1 FROM stg_flights f WHERE f.tailnum = p.tailnum AND f.distance > 2000)
