-- What the probabilities are worth as numbers; each is better when smaller.
SELECT measure, round(figure, 4) AS figure, round(low, 4) AS "figure low", round(high, 4) AS "figure high", n
FROM figures
WHERE run = getvariable('run') AND scope = getvariable('scope') AND slice IN ('all', 'unit group', 'emitted code')
  AND measure IN ('ECE of the emitted code', 'ECE of the unit group', 'Brier score', 'Brier score of the emitted code', 'log loss')
ORDER BY list_position(['ECE of the emitted code', 'ECE of the unit group', 'Brier score of the emitted code', 'Brier score', 'log loss'], measure)
