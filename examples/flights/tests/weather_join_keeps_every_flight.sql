SELECT f.flights, w.flights AS flights_with_weather
FROM (SELECT count(*) AS flights FROM stg_flights) f
CROSS JOIN (SELECT count(*) AS flights FROM flights_with_weather) w
WHERE f.flights <> w.flights
