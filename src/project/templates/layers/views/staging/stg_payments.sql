CREATE VIEW stg_payments AS
SELECT id AS payment_id, order_id, money(cents) AS amount
FROM raw_payments;
