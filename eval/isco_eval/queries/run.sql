-- What was measured, with what, on what: everything needed to do it again.
UNPIVOT (
    SELECT
        r.run::VARCHAR AS run, s.suite, r.title AS "what it is", r.trust AS "how far to trust the gold", format('{:,}', s.rows) AS records, s.gold_path AS "gold file",
        s.gold_hash AS "hash of the gold file", s.suite_hash AS "hash of the suite", r.bundle, r.bundle_hash AS "hash of the bundle's manifest",
        format('{:,}', r.entries) AS "entries in the index", replace(r.settings, ',"', ', "') AS settings, s.seed::VARCHAR AS seed, s.resamples::VARCHAR AS resamples,
        strftime(r.started, '%Y-%m-%d %H:%M UTC') AS started, round(r.seconds, 1)::VARCHAR || ' s' AS "coding took", r.program AS "version of the program",
        replace(replace(trim(r.machine, '{"}'), '","', '; '), '":"', ' ') AS machine, r.training_checked AS "training data", r.sets AS "conformal sets", r.repeated_same || ' of ' || r.repeated AS "coded again alone, same answer"
    FROM runs AS r JOIN samples AS s USING (sample) WHERE r.run = getvariable('run')
) ON COLUMNS(*) INTO NAME what VALUE told
