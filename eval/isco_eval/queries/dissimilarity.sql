-- Percent of records that would have to move between groups to make the coder's distribution that of the gold, by level.
SELECT right(slice, 1) AS level, percent AS dissimilarity, low AS "dissimilarity low", high AS "dissimilarity high", n
FROM percents
WHERE run = getvariable('run') AND scope = getvariable('scope') AND measure = 'dissimilarity'
ORDER BY level
