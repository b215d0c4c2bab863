CREATE EXTERNAL TABLE orders (
  order_id BIGINT NOT NULL,
  ordered_on DATE,
  customer VARCHAR,
  amount DECIMAL(10, 2)
)
STORED AS CSV
LOCATION 'data/orders.csv'
OPTIONS ('has_header' 'true');
