-- What a published table would say: share of each group at the two highest levels by gold and by the best code, in percent, and the difference
-- in percentage points with its interval; "moved" where the interval leaves zero.
SELECT
    right(d.slice, 1) AS level, d.value AS "group", t.title, g.percent AS "by gold", c.percent AS "by coder",
    d.percent AS difference, d.low AS "difference low", d.high AS "difference high",
    CASE WHEN d.low > 0 OR d.high < 0 THEN 'moved' ELSE '' END AS standing
FROM percents AS d
JOIN percents AS g ON g.run = d.run AND g.scope = d.scope AND g.measure = 'share by gold' AND g.slice = d.slice AND g.value = d.value
JOIN percents AS c ON c.run = d.run AND c.scope = d.scope AND c.measure = 'share by coder' AND c.slice = d.slice AND c.value = d.value
JOIN runs AS r ON r.run = d.run
JOIN samples AS s USING (sample)
JOIN groups AS t ON t.classification = s.classification AND t.code = d.value
WHERE d.run = getvariable('run') AND d.scope = getvariable('scope') AND d.measure = 'difference of shares'
ORDER BY level, "group"
