SELECT flight_date, origin, flights_planned, flights_departed
FROM daily_delays
WHERE flights_departed > flights_planned OR flights_planned < 1
