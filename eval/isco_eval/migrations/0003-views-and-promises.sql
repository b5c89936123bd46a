-- Figures that the first users of the coder were promised, to be met; groups 6 to 9 were promised a range.
CREATE TABLE promises (measure VARCHAR, slice VARCHAR, value VARCHAR, least DOUBLE, most DOUBLE);
INSERT INTO promises VALUES
    ('top 1', 'all', '', 0.85, 0.85), ('top 3', 'all', '', 0.95, 0.95),
    ('top 1', 'major group', '1', 0.87, 0.87), ('top 1', 'major group', '2', 0.91, 0.91), ('top 1', 'major group', '3', 0.84, 0.84),
    ('top 1', 'major group', '4', 0.89, 0.89), ('top 1', 'major group', '5', 0.83, 0.83), ('top 1', 'major group', '6', 0.78, 0.85),
    ('top 1', 'major group', '7', 0.78, 0.85), ('top 1', 'major group', '8', 0.78, 0.85), ('top 1', 'major group', '9', 0.78, 0.85),
    ('records a minute', 'all', '', 1000, 1000), ('milliseconds', 'all', '', 60, 80), ('work saved', 'all', '', 0.75, 0.80);

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

-- Figures in percent, each with its interval, as tables show them.
CREATE VIEW percents AS
SELECT run, scope, measure, slice, value, round(100 * figure, 1) AS percent, round(100 * low, 1) AS low, round(100 * high, 1) AS high, n
FROM figures;
