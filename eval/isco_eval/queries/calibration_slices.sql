-- Whether the confidence of the emitted code holds for each value of each slice of the records: its mean beside the share right, in percent, and
-- the calibration error beside what chance alone makes of it; the error is left out where there are fewer than 150 records.
WITH
    f AS (FROM percents WHERE run = getvariable('run') AND scope = getvariable('scope') AND slice NOT IN ('grade', 'major group')),
    e AS (FROM figures WHERE run = getvariable('run') AND scope = getvariable('scope'))
SELECT
    c.slice, c.value, c.percent AS confidence, r.percent AS "emitted right", r.low AS "emitted right low", r.high AS "emitted right high",
    round(e.figure, 3) AS "calibration error", round(e.low, 3) AS "calibration error low", round(e.high, 3) AS "calibration error high",
    round(b.figure, 3) AS "by chance", c.n
FROM f AS c
JOIN f AS r ON r.measure = 'emitted right of coded' AND r.slice = c.slice AND r.value = c.value
LEFT JOIN e ON e.measure = 'ECE of the emitted code' AND e.slice = c.slice AND e.value = c.value
LEFT JOIN e AS b ON b.measure = 'ECE of the emitted code by chance' AND b.slice = c.slice AND b.value = c.value
WHERE c.measure = 'mean confidence'
ORDER BY c.slice, CASE WHEN c.slice = 'length' THEN c.value END, c.n DESC, c.value
