SELECT CAST(at AS DATE) AS day, sum(amount) AS revenue, count(DISTINCT user_id) AS buyers
FROM events
WHERE kind = 'purchase'
GROUP BY CAST(at AS DATE)
