CREATE EXTERNAL TABLE raw_customers (id BIGINT NOT NULL, name VARCHAR, country VARCHAR)
STORED AS CSV LOCATION 'data/customers.csv' OPTIONS ('has_header' 'true');

CREATE EXTERNAL TABLE raw_orders (id BIGINT NOT NULL, customer BIGINT, ordered_on DATE, status VARCHAR)
STORED AS CSV LOCATION 'data/orders.csv' OPTIONS ('has_header' 'true');

CREATE EXTERNAL TABLE raw_payments (id BIGINT NOT NULL, order_id BIGINT, cents BIGINT)
STORED AS CSV LOCATION 'data/payments.csv' OPTIONS ('has_header' 'true');
