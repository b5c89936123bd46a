-- The pairs of groups of the second level that are taken for each other most often, by the best unit group.
WITH here AS (
    SELECT c.*, g.ancestor AS gold_above, b.ancestor AS best_above
    FROM coded AS c
    JOIN runs AS r USING (run)
    JOIN samples AS s USING (sample)
    JOIN ancestors AS g ON g.classification = s.classification AND g.code = c.gold AND g.level = 2
    JOIN ancestors AS b ON b.classification = s.classification AND b.code = c.best AND b.level = 2
    WHERE run = getvariable('run') AND (getvariable('scope') = 'all' OR NOT leaked)
), titles AS (SELECT code, groups.title FROM groups JOIN samples USING (classification) JOIN runs USING (sample) WHERE run = getvariable('run'))
SELECT
    h.gold_above AS gold, g.title AS "gold group", h.best_above AS coded, b.title AS "coded as", count(*) AS records,
    (SELECT count(*) FROM here AS all_of WHERE all_of.gold_above = h.gold_above) AS "of gold", round(100 * avg(h.p_1), 0) AS "mean confidence"
FROM here AS h
JOIN titles AS g ON g.code = h.gold_above
JOIN titles AS b ON b.code = h.best_above
WHERE h.gold_above <> h.best_above
GROUP BY h.gold_above, g.title, h.best_above, b.title
ORDER BY records DESC, "mean confidence" DESC, gold, coded
LIMIT 20
