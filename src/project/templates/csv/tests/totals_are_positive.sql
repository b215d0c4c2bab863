-- A test passes if its query returns no row.
SELECT customer, total
FROM customer_totals
WHERE total <= 0
