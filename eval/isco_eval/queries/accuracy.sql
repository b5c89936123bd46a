-- Accuracy of each gold file: share of rows whose best unit group is right (top 1), is among three (top 3),
-- and whose emitted code is right at the level at which it was emitted.
-- Gold may be shorter than a unit group; such rows do not count where unit groups are asked for.
SELECT
    gold,
    count(*)                                                                AS n,
    count(*) FILTER (rank = 1)                                              AS top1,
    count(*) FILTER (rank <= 3)                                             AS top3,
    count(*) FILTER (emitted_right)                                         AS emitted,
    count(*) FILTER (level = depth AND gold_level = depth)                  AS full_codes,
    count(*) FILTER (level = depth AND gold_level = depth AND emitted_right) AS full_right,
    count(*) FILTER (gold_level = depth)                                    AS full_gold,
    count(*) FILTER (review)                                                AS review,
    avg(milliseconds)                                                       AS milliseconds
FROM coded
GROUP BY gold
ORDER BY gold
