-- One row for each record of each run, as people ask for it.
-- Gold may be shorter than a unit group: it is compared at its own level. `best` is the likeliest unit group, `rank` where the gold code stands
-- among the three likeliest (99: not among them), `matched` how many levels from the top the best unit group shares with the gold code.
CREATE VIEW coded AS
SELECT
    a.run, r.bundle, s.suite, a.row, d.id, d.gold, d.gold_level, s.depth, d.language, d.words, d.has_duties,
    a.code_1 AS best, a.p_1, a.code_2, a.p_2, a.code_3, a.p_3, a.rank, a.matched,
    a.emitted, a.level, a.confidence, a.grade, a.review, a.milliseconds,
    a.level > 0 AND a.emitted_matched = least(a.level, d.gold_level) AS emitted_right, a.emitted_matched,
    a.sums_right, a.p_gold, a.brier, a.seen, a.set_80, a.set_90, a.set_95, a.in_80, a.in_90, a.in_95,
    EXISTS (FROM leaks AS l WHERE l.run = a.run AND l.row = a.row) AS leaked,
    list_filter([e1.id, e2.id, e3.id], lambda x: x IS NOT NULL) AS evidence, e1.code AS nearest_code
FROM answers AS a
JOIN runs AS r USING (run)
JOIN samples AS s USING (sample)
JOIN records AS d ON d.sample = r.sample AND d.row = a.row
LEFT JOIN entries AS e1 ON e1.entry = a.evidence_1
LEFT JOIN entries AS e2 ON e2.entry = a.evidence_2
LEFT JOIN entries AS e3 ON e3.entry = a.evidence_3;
