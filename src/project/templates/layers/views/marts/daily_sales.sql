CREATE MATERIALIZED VIEW daily_sales
COMMENT 'Completed orders by day'
TBLPROPERTIES ('tags' = 'marts')
AS
SELECT ordered_on AS day, count(*) AS orders, sum(amount) AS amount
FROM order_amounts
WHERE ordered_on >= $since
GROUP BY ordered_on;
