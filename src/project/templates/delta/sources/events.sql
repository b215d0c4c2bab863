-- A Delta table that somebody else writes: its columns, partitions and versions are its own. Each run pins the newest version.
-- To stay at one: OPTIONS ('version' '0').
CREATE EXTERNAL TABLE events
STORED AS DELTATABLE
LOCATION '${EVENTS:-data/events}';
