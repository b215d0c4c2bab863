CREATE VIEW stg_orders AS
SELECT id AS order_id, customer AS customer_id, ordered_on, status
FROM raw_orders;
