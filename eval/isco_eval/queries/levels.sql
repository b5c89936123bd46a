-- Accuracy of the best unit group at each level of the classification, by gold file, over the rows whose gold code reaches that level.
SELECT gold, l.level, count(*) AS n, count(*) FILTER (matched >= l.level) AS hits
FROM coded, (SELECT unnest(range(1, (SELECT max(depth) FROM coded) + 1)) AS level) AS l
WHERE gold_level >= l.level
GROUP BY gold, l.level
ORDER BY gold, l.level DESC
