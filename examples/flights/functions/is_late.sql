-- Whether a delay counts. Airlines count from a quarter of an hour.
CREATE FUNCTION is_late(delay BIGINT, minutes BIGINT DEFAULT 15)
RETURNS BOOLEAN
RETURN delay > minutes
