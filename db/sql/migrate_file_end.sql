-- A file of functions or views was applied: its hash, and what it made. Everything that was written
-- to the catalogue in this subtransaction bears the same xmin as the row of the file: see
-- migrate_file_objects.
-- $1 path  $2 text
INSERT INTO migration.file (path, sha256) VALUES ($1::text, sha256($2::bytea))
ON CONFLICT (path) DO UPDATE SET sha256 = excluded.sha256, applied_at = clock_timestamp()
