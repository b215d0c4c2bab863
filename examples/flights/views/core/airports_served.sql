-- Inlined into its users, never stored.
CREATE VIEW airports_served AS
SELECT airport, airport_name, latitude, longitude, time_zone
FROM stg_airports
WHERE airport IN (SELECT dest FROM stg_flights)
