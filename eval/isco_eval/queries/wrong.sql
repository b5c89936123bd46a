-- Records whose best unit group is wrong, the surest first.
SELECT id, gold, best, p_1, code_2, p_2, code_3, p_3, emitted, emitted_right, grade, evidence
FROM coded
WHERE run = getvariable('run') AND rank > 1
ORDER BY p_1 DESC NULLS LAST, id
