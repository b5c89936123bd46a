-- Runs: the classification, the records of a gold sample, and what a bundle answered for each.
-- A record is kept once however many runs code it.
CREATE SEQUENCE sample_numbers;
CREATE SEQUENCE run_numbers;

CREATE TABLE groups (classification VARCHAR, code VARCHAR, level UTINYINT, title VARCHAR);
-- Every group beside every group above it, itself included.
CREATE TABLE ancestors (classification VARCHAR, code VARCHAR, level UTINYINT, ancestor VARCHAR);

CREATE TABLE samples (
    sample INTEGER PRIMARY KEY, suite VARCHAR, suite_hash VARCHAR, gold_hash VARCHAR, gold_path VARCHAR,
    row_limit INTEGER, rows INTEGER, classification VARCHAR, depth UTINYINT, seed INTEGER, resamples INTEGER
);
CREATE TABLE records (
    sample INTEGER, row INTEGER, id VARCHAR, gold VARCHAR, gold_level UTINYINT, language VARCHAR, words USMALLINT, has_duties BOOLEAN
);
CREATE TABLE slices (sample INTEGER, row INTEGER, slice VARCHAR, value VARCHAR);

CREATE TABLE runs (
    run INTEGER PRIMARY KEY, sample INTEGER, bundle VARCHAR, bundle_hash VARCHAR, bundle_path VARCHAR, started TIMESTAMP, seconds DOUBLE,
    settings VARCHAR, machine VARCHAR, program VARCHAR, entries INTEGER, repeated INTEGER, repeated_same INTEGER,
    title VARCHAR, trust VARCHAR, gates VARCHAR, manual_minutes DOUBLE, review_minutes DOUBLE
);
-- Index entries that were an answer's nearest, numbered so that an answer holds numbers.
CREATE TABLE entries (entry INTEGER PRIMARY KEY, id VARCHAR, code VARCHAR);
CREATE TABLE answers (
    run INTEGER, row INTEGER,
    code_1 VARCHAR, p_1 DECIMAL(5, 4), code_2 VARCHAR, p_2 DECIMAL(5, 4), code_3 VARCHAR, p_3 DECIMAL(5, 4),
    emitted VARCHAR, level UTINYINT, confidence DECIMAL(5, 4), grade VARCHAR, review BOOLEAN, milliseconds DECIMAL(9, 3),
    evidence_1 INTEGER, evidence_2 INTEGER, evidence_3 INTEGER,
    rank UTINYINT, matched UTINYINT, emitted_matched UTINYINT, sums_right UTINYINT, p_gold FLOAT, brier FLOAT, seen BOOLEAN
);
-- A figure: a measure of a run for a slice ("all" for everything), with the interval it is known within and the rows it rests on.
CREATE TABLE figures (
    run INTEGER, scope VARCHAR, measure VARCHAR, slice VARCHAR, value VARCHAR, figure DOUBLE, low DOUBLE, high DOUBLE, n INTEGER
);
