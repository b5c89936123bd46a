-- Leakage by record, several coders, conformal sets, and texts for those who ask for them.
CREATE TABLE leaks (run INTEGER, row INTEGER, place VARCHAR, kind VARCHAR, text_id VARCHAR, text_code VARCHAR, score FLOAT);
CREATE TABLE coders (sample INTEGER, row INTEGER, coder VARCHAR, code VARCHAR);
CREATE TABLE texts (sample INTEGER, row INTEGER, title VARCHAR, duties VARCHAR, industry VARCHAR);
ALTER TABLE runs ADD COLUMN training_checked VARCHAR DEFAULT '';
-- Size of the conformal set at 80, 90 and 95 %, and whether it holds the gold code.
ALTER TABLE answers ADD COLUMN set_80 USMALLINT;
ALTER TABLE answers ADD COLUMN set_90 USMALLINT;
ALTER TABLE answers ADD COLUMN set_95 USMALLINT;
ALTER TABLE answers ADD COLUMN in_80 BOOLEAN;
ALTER TABLE answers ADD COLUMN in_90 BOOLEAN;
ALTER TABLE answers ADD COLUMN in_95 BOOLEAN;
