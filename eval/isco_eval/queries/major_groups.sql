-- Accuracy at the unit group by major group of the gold code, beside what was promised: "met" where the interval lies above the
-- promise, "missed" where it lies below, "open" where it holds it.
SELECT
    p.value AS "group", g.title, p.percent AS "top 1", p.low AS "top 1 low", p.high AS "top 1 high",
    t.percent AS "top 3", t.low AS "top 3 low", t.high AS "top 3 high", p.n,
    100 * q.least AS promised,
    CASE WHEN q.least IS NULL THEN '' WHEN p.low >= 100 * q.least THEN 'met' WHEN p.high < 100 * q.least THEN 'missed' ELSE 'open' END AS standing
FROM percents AS p
JOIN percents AS t ON t.run = p.run AND t.scope = p.scope AND t.measure = 'top 3' AND t.slice = p.slice AND t.value = p.value
JOIN runs AS r ON r.run = p.run
JOIN samples AS s USING (sample)
JOIN groups AS g ON g.classification = s.classification AND g.code = p.value
LEFT JOIN promises AS q ON q.measure = p.measure AND q.slice = p.slice AND q.value = p.value
WHERE p.run = getvariable('run') AND p.scope = getvariable('scope') AND p.measure = 'top 1' AND p.slice = 'major group'
ORDER BY p.value
