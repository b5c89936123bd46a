-- Hierarchical precision, recall and F1 of the emitted code in percent: a code counts as itself and every group above it.
SELECT measure, percent, low AS "percent low", high AS "percent high", n
FROM percents
WHERE run = getvariable('run') AND scope = getvariable('scope') AND measure LIKE 'hierarchical%'
ORDER BY list_position(['hierarchical precision', 'hierarchical recall', 'hierarchical F1'], measure)
