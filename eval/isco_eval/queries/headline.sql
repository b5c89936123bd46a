-- The figures by which a run is known, in percent with their 95 % interval, beside what was promised: "met" where the interval lies above the
-- promise, "missed" where it lies below, "open" where it holds it.
SELECT
    p.measure, p.percent, p.low AS "percent low", p.high AS "percent high", p.n, 100 * q.least AS promised,
    CASE WHEN q.least IS NULL THEN '' WHEN p.low >= 100 * q.least THEN 'met' WHEN p.high < 100 * q.least THEN 'missed' ELSE 'open' END AS standing
FROM percents AS p
LEFT JOIN promises AS q USING (measure, slice, value)
WHERE p.run = getvariable('run') AND p.scope = getvariable('scope') AND p.slice = 'all'
  AND p.measure IN ('top 1', 'top 2', 'top 3', 'emitted right', 'coded to the unit group', 'right of these', 'for review',
                    'right of those not for review', 'not codable')
ORDER BY list_position(['top 1', 'top 2', 'top 3', 'emitted right', 'coded to the unit group', 'right of these', 'for review',
                        'right of those not for review', 'not codable'], p.measure)
