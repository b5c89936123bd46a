-- Error in percent among the surest records, by how many of the coded ones they are.
SELECT slice AS answer, round(100 * value::DOUBLE)::INTEGER AS coverage, percent AS error, low AS "error low", high AS "error high", n
FROM percents
WHERE run = getvariable('run') AND scope = getvariable('scope') AND measure = 'error of the surest'
ORDER BY answer DESC, coverage
