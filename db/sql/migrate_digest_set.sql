-- The database is at exactly these files.
-- $1 all files, one after the other
INSERT INTO migration.state (sha256) VALUES (sha256($1::bytea))
ON CONFLICT (slot) DO UPDATE SET sha256 = excluded.sha256
