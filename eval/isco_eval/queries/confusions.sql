-- The pairs of unit groups that are taken for each other most often: records of the gold group that got the other one as best.
WITH here AS (FROM coded WHERE run = getvariable('run') AND gold_level = depth AND best IS NOT NULL AND (getvariable('scope') = 'all' OR NOT leaked)),
     titles AS (SELECT code, groups.title FROM groups JOIN samples USING (classification) JOIN runs USING (sample) WHERE run = getvariable('run'))
SELECT
    h.gold, g.title AS "gold group", h.best AS coded, b.title AS "coded as", count(*) AS records,
    (SELECT count(*) FROM here AS all_of WHERE all_of.gold = h.gold) AS "of gold", round(100 * avg(h.p_1), 0) AS "mean confidence"
FROM here AS h
JOIN titles AS g ON g.code = h.gold
JOIN titles AS b ON b.code = h.best
WHERE h.gold <> h.best
GROUP BY h.gold, g.title, h.best, b.title
ORDER BY records DESC, "mean confidence" DESC, h.gold, h.best
LIMIT 20
