-- Agreement of several coders beyond chance, and of the model beside them; 1 is full agreement, 0 what chance gives.
SELECT right(slice, 1) AS level, measure, value AS coders, round(figure, 3) AS agreement, round(low, 3) AS "agreement low", round(high, 3) AS "agreement high", n
FROM figures
WHERE run = getvariable('run') AND measure IN ('Cohen''s kappa', 'Fleiss''s kappa', 'Krippendorff''s alpha')
ORDER BY level DESC, measure, coders
