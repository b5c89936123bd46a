-- Accuracy of the best unit group at each level of the classification, by gold file.
SELECT gold, l.level, count(*) AS n, count(*) FILTER (least(matched, l.level) = least(gold_level, l.level)) AS hits
FROM coded, (SELECT unnest(range(1, (SELECT max(depth) FROM coded) + 1)) AS level) AS l
GROUP BY gold, l.level
ORDER BY gold, l.level DESC
