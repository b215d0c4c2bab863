-- Replace by columns of your own; `weir sql "DESCRIBE events"` lists them.
SELECT count(*) AS events
FROM events
