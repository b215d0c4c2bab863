-- Opened where it is called: part of the plan, hence of the fingerprint of the views that call it, and of no others.
CREATE FUNCTION money(cents BIGINT) RETURNS DECIMAL(12, 2)
RETURN CAST(cents AS DECIMAL(12, 2)) / 100;
