-- A plain query is stored as a Delta table with the name of its file.
SELECT customer, count(*) AS orders, sum(amount) AS total
FROM paid_orders
GROUP BY customer
