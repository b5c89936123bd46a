-- Whether the nearest coded example speaks for the answer, in percent: how often it has the best unit group's code, and how often that one is right
-- where it has and where it has not.
SELECT measure, percent, low AS "percent low", high AS "percent high", n
FROM percents
WHERE run = getvariable('run') AND scope = getvariable('scope') AND slice = 'all'
  AND measure IN ('nearest example has the best code', 'right where it has', 'right where it has not')
ORDER BY measure
