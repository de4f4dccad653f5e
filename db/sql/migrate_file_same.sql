-- Whether a file of functions or views is the one that was applied last; no row: it is new.
-- $1 path  $2 text
SELECT sha256 = sha256($2::bytea) FROM migration.file WHERE path = $1::text
