-- Every gold row whose text is known to the coder, with the text that it repeats (by id) and how alike they are.
SELECT c.id, c.gold, l.place, l.kind, l.text_id AS "repeats", l.text_code AS "coded there", round(l.score, 2) AS likeness
FROM leaks AS l JOIN coded AS c USING (run, row)
WHERE run = getvariable('run')
ORDER BY list_position(['exact', 'normalised', 'near'], l.kind), l.score DESC, c.id, l.text_id
