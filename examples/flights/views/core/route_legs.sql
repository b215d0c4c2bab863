-- Each route in both directions: who flies out flies back.
SELECT carrier, origin AS from_airport, dest AS to_airport, distance_miles, 'out' AS direction
FROM carrier_routes
UNION ALL
SELECT carrier, dest AS from_airport, origin AS to_airport, distance_miles, 'back' AS direction
FROM carrier_routes
