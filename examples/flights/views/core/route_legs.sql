-- Each route in both directions: who flies out flies back.
CREATE MATERIALIZED VIEW route_legs (
  CONSTRAINT goes_somewhere EXPECT (from_airport <> to_airport) ON VIOLATION DROP ROW
)
AS
SELECT carrier, origin AS from_airport, dest AS to_airport, distance_miles, 'out' AS direction
FROM carrier_routes
UNION ALL
SELECT carrier, dest AS from_airport, origin AS to_airport, distance_miles, 'back' AS direction
FROM carrier_routes
