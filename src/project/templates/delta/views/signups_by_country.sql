-- Reads the files of the partition kind=signup only, and of them two columns. What is appended to other partitions runs nothing:
-- `weir explain signups_by_country --scans` says which files count.
SELECT country, count(*) AS signups
FROM events
WHERE kind = 'signup'
GROUP BY country
