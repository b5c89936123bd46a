-- Sets of unit groups that hold the right one as often as promised: how often they do, and how many unit groups they name.
SELECT
    c.value AS promised, round(100 * c.figure, 1) AS held, round(100 * c.low, 1) AS "held low", round(100 * c.high, 1) AS "held high",
    round(s.figure, 1) AS size, round(s.low, 1) AS "size low", round(s.high, 1) AS "size high", c.n
FROM figures AS c
JOIN figures AS s ON s.run = c.run AND s.scope = c.scope AND s.measure = 'unit groups in the set' AND s.slice = c.slice AND s.value = c.value
WHERE c.run = getvariable('run') AND c.scope = getvariable('scope') AND c.measure = 'in the set'
ORDER BY promised
