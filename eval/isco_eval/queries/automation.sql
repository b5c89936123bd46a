-- How much can go out untouched if at most so many percent of it may be wrong, and from which probability on. The threshold is chosen on these
-- very records; the interval chooses it anew in each resample.
SELECT
    a.slice AS answer, round(100 * a.value::DOUBLE)::INTEGER AS "error at most",
    a.percent AS automated, a.low AS "automated low", a.high AS "automated high",
    round(t.figure, 3) AS threshold, round(t.low, 3) AS "threshold low", round(t.high, 3) AS "threshold high", a.n
FROM percents AS a
LEFT JOIN figures AS t ON t.run = a.run AND t.scope = a.scope AND t.measure = 'threshold' AND t.slice = a.slice AND t.value = a.value
WHERE a.run = getvariable('run') AND a.scope = getvariable('scope') AND a.measure = 'automated'
ORDER BY answer DESC, "error at most"
