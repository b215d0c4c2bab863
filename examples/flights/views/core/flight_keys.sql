-- A key for each flight that stays the same in every rebuild.
SELECT
  stable_id_parts('flight', year, month, day, carrier, flight, origin, sched_dep_time) AS flight_id,
  flight_date,
  carrier,
  flight,
  origin,
  dest
FROM stg_flights
