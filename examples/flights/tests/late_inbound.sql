-- Arrivals count from 31 minutes on, and only where the aircraft left again.
TEST only_late_arrivals_that_leave_again OF VIEW late_inbound
GIVEN plane_rotations (carrier, previous_arr_delay, dep_delay) AS VALUES
  ('AA', 31, 20),
  ('AA', 51, 40),
  ('AA', 30, 99),
  ('UA', 60, NULL)
EXPECT AS VALUES
  ('AA', 2, 41, 30);
