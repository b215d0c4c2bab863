-- A test passes if its query returns no row.
SELECT events
FROM event_counts
WHERE events = 0
