-- Whether the database was last brought to exactly these files.
-- $1 all files, one after the other
SELECT EXISTS (SELECT FROM migration.state WHERE sha256 = sha256($1::bytea))
