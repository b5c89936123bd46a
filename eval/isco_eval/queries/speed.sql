-- Time for a record and records a minute, beside what was promised; the interval is that of resampled records, on the one machine of this run.
-- Records of one batch share their time, so where all were one batch there is no interval.
SELECT
    round(figure, 2) AS milliseconds, round(lowest, 2) AS "milliseconds low", round(highest, 2) AS "milliseconds high", '60-80' AS "promised ms",
    round(60000 / figure)::INTEGER AS "records a minute", round(60000 / highest)::INTEGER AS "records a minute low",
    round(60000 / lowest)::INTEGER AS "records a minute high", 1000 AS "promised a minute", n
FROM (SELECT *, CASE WHEN high - low > 1e-6 THEN low END AS lowest, CASE WHEN high - low > 1e-6 THEN high END AS highest FROM figures)
WHERE run = getvariable('run') AND scope = 'all' AND measure = 'milliseconds' AND slice = 'all' AND figure > 0
