-- What the probabilities are worth as numbers; each is better when smaller. "by chance": the calibration error that would be seen here on average
-- if every probability were exactly right.
WITH f AS (FROM figures WHERE run = getvariable('run') AND scope = getvariable('scope') AND slice IN ('all', 'unit group', 'emitted code'))
SELECT
    f.measure, round(f.figure, 4) AS figure, round(f.low, 4) AS "figure low", round(f.high, 4) AS "figure high",
    round(b.figure, 4) AS "by chance", f.n
FROM f LEFT JOIN f AS b ON b.measure = f.measure || ' by chance' AND b.slice = f.slice
WHERE f.measure IN ('ECE of the emitted code', 'ECE of the unit group', 'Brier score', 'Brier score of the emitted code', 'log loss')
ORDER BY list_position(['ECE of the emitted code', 'ECE of the unit group', 'Brier score of the emitted code', 'Brier score', 'log loss'], f.measure)
