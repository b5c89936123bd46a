-- What each grade is worth in percent: mean confidence of the emitted code, and how many of those codes were right.
SELECT
    replace(e.value, '_', ' ') AS grade, c.percent AS confidence, c.low AS "confidence low", c.high AS "confidence high",
    e.percent AS "emitted right", e.low AS "emitted right low", e.high AS "emitted right high", e.n
FROM percents AS e
JOIN percents AS c ON c.run = e.run AND c.scope = e.scope AND c.measure = 'mean confidence' AND c.slice = 'grade' AND c.value = e.value
WHERE e.run = getvariable('run') AND e.scope = getvariable('scope') AND e.measure = 'emitted right' AND e.slice = 'grade'
ORDER BY list_position(['very_high', 'high', 'medium', 'low', 'very_low'], e.value)
