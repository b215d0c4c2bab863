-- Staging: names and types, one view a source, nothing stored.
CREATE VIEW stg_customers AS
SELECT id AS customer_id, name AS customer, country
FROM raw_customers;
