-- A test passes if its query returns no row.
SELECT day
FROM daily_sales
WHERE amount <= 0
