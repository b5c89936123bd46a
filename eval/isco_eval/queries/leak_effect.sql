-- The main figures in percent of all records, and of those without any leak.
SELECT
    a.measure, a.percent AS "all", a.low AS "all low", a.high AS "all high", a.n,
    w.percent AS "without leaks", w.low AS "without leaks low", w.high AS "without leaks high", w.n AS "n without"
FROM percents AS a
JOIN percents AS w ON w.run = a.run AND w.measure = a.measure AND w.slice = a.slice AND w.scope = 'without leaks'
WHERE a.run = getvariable('run') AND a.scope = 'all' AND a.slice = 'all'
  AND a.measure IN ('top 1', 'top 3', 'emitted right', 'right of these', 'for review', 'ECE of the emitted code')
ORDER BY list_position(['top 1', 'top 3', 'emitted right', 'right of these', 'for review', 'ECE of the emitted code'], a.measure)
