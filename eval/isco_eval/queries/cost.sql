-- Minutes of trained coders for 1,000 records, under the stated minutes for a record coded by hand and for one reviewed: with the review flag as it
-- is set, and with a threshold that lets at most so many percent of wrong unit groups out untouched.
WITH ways AS (
    SELECT 'review flag' AS way, figure AS share, low, high, n FROM figures
    WHERE run = getvariable('run') AND scope = getvariable('scope') AND measure = 'for review' AND slice = 'all'
    UNION ALL
    SELECT 'at most ' || round(100 * value::DOUBLE)::INTEGER || ' % wrong untouched', 1 - figure, 1 - high, 1 - low, n FROM figures
    WHERE run = getvariable('run') AND scope = getvariable('scope') AND measure = 'automated' AND slice = 'unit group'
)
SELECT
    w.way, round(100 * share, 1) AS "to a person", round(100 * low, 1) AS "to a person low", round(100 * high, 1) AS "to a person high",
    round(1000 * r.manual_minutes)::INTEGER AS "by hand",
    round(1000 * share * r.review_minutes)::INTEGER AS "with the coder",
    round(1000 * (r.manual_minutes - share * r.review_minutes))::INTEGER AS saved,
    round(1000 * (r.manual_minutes - high * r.review_minutes))::INTEGER AS "saved low",
    round(1000 * (r.manual_minutes - low * r.review_minutes))::INTEGER AS "saved high", w.n
FROM ways AS w, runs AS r
WHERE r.run = getvariable('run')
ORDER BY w.way = 'review flag' DESC, "to a person" DESC
