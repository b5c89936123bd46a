-- What each grade is worth: rows, mean confidence of the emitted code, and how many of those codes were right.
SELECT grade, count(*) AS n, avg(confidence) AS confidence, count(*) FILTER (emitted_right) AS hits
FROM coded
WHERE level > 0
GROUP BY grade
ORDER BY confidence DESC
