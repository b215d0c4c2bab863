-- Intermediate: stored once, read by several marts.
SELECT o.order_id, o.customer_id, o.ordered_on, coalesce(sum(p.amount), 0) AS amount
FROM stg_orders o
LEFT JOIN stg_payments p ON p.order_id = o.order_id
WHERE o.status = 'completed'
GROUP BY o.order_id, o.customer_id, o.ordered_on
