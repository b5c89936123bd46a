-- Gold rows whose text is in the index or in the training data, by how alike the texts are; a row is counted by its closest match.
WITH closest AS (
    SELECT row, place, min_by(kind, list_position(['exact', 'normalised', 'near'], kind)) AS kind, bool_or(list_contains(string_split(text_code, '/'), gold)) AS same_code
    FROM leaks JOIN coded USING (run, row) WHERE run = getvariable('run') GROUP BY row, place
)
SELECT place, kind, count(*) AS rows, count(*) FILTER (same_code) AS "with the gold code"
FROM closest GROUP BY place, kind
ORDER BY place, list_position(['exact', 'normalised', 'near'], kind)
