-- The main figures of all records and of those without any leak: shares in percent, the calibration error as it is everywhere.
WITH f AS (FROM figures WHERE run = getvariable('run') AND slice = 'all')
SELECT
    t.scope AS records, t.n,
    round(100 * t.figure, 1) AS "top 1", round(100 * t.low, 1) AS "top 1 low", round(100 * t.high, 1) AS "top 1 high",
    round(100 * h.figure, 1) AS "top 3", round(100 * h.low, 1) AS "top 3 low", round(100 * h.high, 1) AS "top 3 high",
    round(100 * e.figure, 1) AS "emitted right", round(100 * e.low, 1) AS "emitted right low", round(100 * e.high, 1) AS "emitted right high",
    round(100 * r.figure, 1) AS "for review", round(100 * r.low, 1) AS "for review low", round(100 * r.high, 1) AS "for review high",
    round(c.figure, 3) AS "calibration error", round(c.low, 3) AS "calibration error low", round(c.high, 3) AS "calibration error high"
FROM f AS t
JOIN f AS h ON h.scope = t.scope AND h.measure = 'top 3'
JOIN f AS e ON e.scope = t.scope AND e.measure = 'emitted right'
JOIN f AS r ON r.scope = t.scope AND r.measure = 'for review'
LEFT JOIN f AS c ON c.scope = t.scope AND c.measure = 'ECE of the emitted code'
WHERE t.measure = 'top 1' AND EXISTS (FROM f WHERE scope = 'without leaks')
ORDER BY t.scope
