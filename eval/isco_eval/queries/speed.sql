-- Time for a record and records a minute, beside what was promised; the interval is that of resampled records, on the one machine of this run.
SELECT
    round(figure, 2) AS milliseconds, round(low, 2) AS "milliseconds low", round(high, 2) AS "milliseconds high", '60-80' AS "promised ms",
    round(60000 / figure)::INTEGER AS "records a minute", round(60000 / high)::INTEGER AS "records a minute low", round(60000 / low)::INTEGER AS "records a minute high",
    1000 AS "promised a minute", n
FROM figures
WHERE run = getvariable('run') AND scope = 'all' AND measure = 'milliseconds' AND slice = 'all' AND figure > 0
