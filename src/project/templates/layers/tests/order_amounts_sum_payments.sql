-- A unit test: the view over given rows instead of its tables.
TEST OF VIEW order_amounts
GIVEN raw_orders (id, customer, ordered_on, status) AS VALUES
  (1, 7, '2024-01-01', 'completed'),
  (2, 7, '2024-01-02', 'returned')
GIVEN raw_payments (id, order_id, cents) AS VALUES
  (1, 1, 150),
  (2, 1, 50)
EXPECT (order_id, customer_id, ordered_on, amount) AS VALUES
  (1, 7, '2024-01-01', 2.00);
