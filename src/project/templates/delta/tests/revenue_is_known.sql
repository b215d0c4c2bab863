-- A test passes if its query returns no row.
SELECT day
FROM daily_revenue
WHERE revenue IS NULL
