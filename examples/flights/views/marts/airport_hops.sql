-- Fewest hops from each airport of New York to every other, staying with one carrier, three at most.
WITH RECURSIVE hops AS (
  SELECT carrier, from_airport AS start_airport, to_airport AS airport, CAST(1 AS BIGINT) AS hop
  FROM route_legs
  WHERE direction = 'out'
  UNION ALL
  SELECT h.carrier, h.start_airport, l.to_airport AS airport, h.hop + 1 AS hop
  FROM hops h
  JOIN route_legs l ON l.carrier = h.carrier AND l.from_airport = h.airport
  WHERE h.hop < 3
)
SELECT carrier, start_airport, airport, min(hop) AS fewest_hops, count(*) AS ways
FROM hops
WHERE airport <> start_airport
GROUP BY carrier, start_airport, airport
