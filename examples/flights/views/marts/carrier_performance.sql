SELECT
  a.carrier,
  a.airline,
  count(*) AS flights_planned,
  count_if(f.dep_time IS NULL) AS flights_cancelled,
  count_if(is_late(f.arr_delay)) AS flights_late,
  avg(f.arr_delay) AS average_arr_delay
FROM stg_flights f
JOIN stg_airlines a ON a.carrier = f.carrier
GROUP BY a.carrier, a.airline
