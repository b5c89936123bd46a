-- Accuracy in percent at each level, over the records whose gold code reaches it: of the best unit group and the groups above it, of the group
-- whose unit groups' probabilities sum to most there, averaged over groups (macro), and of the codes that were emitted at that very level.
WITH f AS (FROM percents WHERE run = getvariable('run') AND scope = getvariable('scope'))
SELECT
    a.value AS level, a.percent AS accuracy, a.low AS "accuracy low", a.high AS "accuracy high", a.n,
    s.percent AS "by sums", s.low AS "by sums low", s.high AS "by sums high",
    m.percent AS macro, m.low AS "macro low", m.high AS "macro high",
    e.percent AS "emitted here", e.low AS "emitted here low", e.high AS "emitted here high", e.n AS "emitted n"
FROM f AS a
LEFT JOIN f AS s ON s.measure = 'accuracy by sums' AND s.slice = 'level' AND s.value = a.value
LEFT JOIN f AS m ON m.measure = 'macro accuracy' AND m.slice = 'level' AND m.value = a.value
LEFT JOIN f AS e ON e.measure = 'emitted right' AND e.slice = 'emitted level' AND e.value = a.value
WHERE a.measure = 'accuracy' AND a.slice = 'level'
ORDER BY a.value DESC
