-- How the conformal sets of a run came about: as its bundle hands them out, or learned on other folds of its records.
ALTER TABLE runs ADD COLUMN sets VARCHAR DEFAULT 'learned on other folds of these records';
