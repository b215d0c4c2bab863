CREATE MATERIALIZED VIEW customer_orders
COMMENT 'What each customer ordered since $since'
TBLPROPERTIES ('tags' = 'marts')
AS
SELECT c.customer, count(a.order_id) AS orders, coalesce(sum(a.amount), 0) AS amount, max(a.ordered_on) AS last_order
FROM stg_customers c
LEFT JOIN order_amounts a ON a.customer_id = c.customer_id AND a.ordered_on >= $since
GROUP BY c.customer;
