-- The last run of each suite: how many of its records have a text that stands in the index or that the bundle was fitted on, by the closest kind
-- of likeness to either, and top 1 in percent of all records and of those without such a text.
WITH
    latest AS (SELECT s.suite, max(r.run) AS run FROM runs AS r JOIN samples AS s USING (sample) GROUP BY s.suite),
    closest AS (
        SELECT run, place, row, min(list_position(['exact', 'normalised', 'near'], kind)) AS kind
        FROM leaks SEMI JOIN latest USING (run) GROUP BY run, place, row
    ),
    counted AS (
        SELECT
            run, count(DISTINCT row) AS known,
            count(*) FILTER (place = 'index' AND kind = 1) AS index_1, count(*) FILTER (place = 'index' AND kind = 2) AS index_2,
            count(*) FILTER (place = 'index' AND kind = 3) AS index_3, count(*) FILTER (place = 'training' AND kind = 1) AS training_1,
            count(*) FILTER (place = 'training' AND kind = 2) AS training_2, count(*) FILTER (place = 'training' AND kind = 3) AS training_3
        FROM closest GROUP BY run
    )
SELECT
    l.suite, a.n AS records,
    coalesce(index_1, 0) AS "index exact", coalesce(index_2, 0) AS "index normalised", coalesce(index_3, 0) AS "index near",
    coalesce(training_1, 0) AS "training exact", coalesce(training_2, 0) AS "training normalised", coalesce(training_3, 0) AS "training near",
    a.percent AS "top 1", a.low AS "top 1 low", a.high AS "top 1 high", coalesce(k.known, 0) AS known,
    w.percent AS "top 1 without", w.low AS "top 1 without low", w.high AS "top 1 without high"
FROM latest AS l
LEFT JOIN counted AS k USING (run)
JOIN percents AS a ON a.run = l.run AND a.scope = 'all' AND a.measure = 'top 1' AND a.slice = 'all'
LEFT JOIN percents AS w ON w.run = l.run AND w.scope = 'without leaks' AND w.measure = 'top 1' AND w.slice = 'all'
ORDER BY l.suite
