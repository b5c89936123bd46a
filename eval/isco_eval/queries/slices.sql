-- The main shares in percent for each value of each slice of the records; values with fewer than five records are left out.
WITH f AS (FROM percents WHERE run = getvariable('run') AND scope = getvariable('scope') AND slice NOT IN ('all', 'major group'))
SELECT
    a.slice, a.value, a.percent AS "top 1", a.low AS "top 1 low", a.high AS "top 1 high",
    t.percent AS "top 3", t.low AS "top 3 low", t.high AS "top 3 high",
    e.percent AS "emitted right", e.low AS "emitted right low", e.high AS "emitted right high",
    r.percent AS "for review", r.low AS "for review low", r.high AS "for review high", a.n
FROM f AS a
JOIN f AS t ON t.measure = 'top 3' AND t.slice = a.slice AND t.value = a.value
JOIN f AS e ON e.measure = 'emitted right' AND e.slice = a.slice AND e.value = a.value
JOIN f AS r ON r.measure = 'for review' AND r.slice = a.slice AND r.value = a.value
WHERE a.measure = 'top 1'
ORDER BY a.slice, CASE WHEN a.slice = 'length' THEN a.value END, a.n DESC, a.value
