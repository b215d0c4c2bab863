SELECT m.flights AS flights_in_months, f.flights AS flights_in_all
FROM (SELECT sum(flights_planned) AS flights FROM flights_by_month) m
CROSS JOIN (SELECT count(*) AS flights FROM stg_flights) f
WHERE m.flights <> f.flights
