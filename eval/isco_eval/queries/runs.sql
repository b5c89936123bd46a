-- All runs, the latest first.
SELECT
    r.run, s.suite, r.bundle, strftime(r.started, '%Y-%m-%d %H:%M') AS started, s.rows AS records, r.entries,
    p.percent AS "top 1", p.low AS "top 1 low", p.high AS "top 1 high",
    e.percent AS "emitted right", e.low AS "emitted right low", e.high AS "emitted right high",
    (SELECT count(DISTINCT l.row) FROM leaks AS l WHERE l.run = r.run) AS leaks
FROM runs AS r
JOIN samples AS s USING (sample)
LEFT JOIN percents AS p ON p.run = r.run AND p.scope = 'all' AND p.measure = 'top 1' AND p.slice = 'all'
LEFT JOIN percents AS e ON e.run = r.run AND e.scope = 'all' AND e.measure = 'emitted right' AND e.slice = 'all'
ORDER BY r.run DESC
