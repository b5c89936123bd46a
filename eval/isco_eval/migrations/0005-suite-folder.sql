-- The folder of the suite file that a run was made by, so that its gold can be read the same way again; empty for a plain gold file.
ALTER TABLE runs ADD COLUMN suite_folder VARCHAR;
