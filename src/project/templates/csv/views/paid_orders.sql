-- Inlined into the views that use it: nothing is stored.
CREATE VIEW paid_orders AS
SELECT order_id, ordered_on, customer, amount
FROM orders
WHERE amount IS NOT NULL;
