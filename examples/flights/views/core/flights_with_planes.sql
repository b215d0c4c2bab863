SELECT
  f.flight_date,
  f.carrier,
  f.flight,
  f.origin,
  f.dest,
  f.sched_dep_time,
  f.tailnum,
  f.dep_delay,
  f.arr_delay,
  f.distance,
  p.manufacturer,
  p.model,
  p.seats,
  f.year - p.built_year AS plane_age
FROM stg_flights f
JOIN stg_planes p ON p.tailnum = f.tailnum
