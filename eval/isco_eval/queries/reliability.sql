-- Mean confidence and share right in percent, in bins of about equally many records, for the best unit group and for the emitted code.
SELECT
    r.slice AS answer, r.value AS bin, c.percent AS confidence,
    r.percent AS "right", r.low AS "right low", r.high AS "right high", r.n
FROM percents AS r
JOIN percents AS c ON c.run = r.run AND c.scope = r.scope AND c.measure = 'bin confidence' AND c.slice = r.slice AND c.value = r.value
WHERE r.run = getvariable('run') AND r.scope = getvariable('scope') AND r.measure = 'bin right'
ORDER BY answer DESC, bin
