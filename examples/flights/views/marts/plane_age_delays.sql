SELECT
  plane_age,
  count(DISTINCT tailnum) AS planes_flown,
  count(*) AS flights_planned,
  avg(arr_delay) AS average_arr_delay,
  sum(seats) AS seats_offered
FROM flights_with_planes
WHERE plane_age IS NOT NULL
GROUP BY plane_age
HAVING count(*) >= 100
