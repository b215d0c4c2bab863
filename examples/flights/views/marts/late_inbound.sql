-- How much of a late arrival the same aircraft carries into its next departure.
SELECT
  carrier,
  count(*) AS late_arrivals,
  avg(previous_arr_delay) AS average_arr_delay,
  avg(dep_delay) AS average_next_dep_delay
FROM plane_rotations
WHERE is_late(previous_arr_delay, minutes => 30) AND dep_delay IS NOT NULL
GROUP BY carrier
