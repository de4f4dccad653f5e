-- A numbered file was applied.
-- $1 number  $2 name  $3 text
INSERT INTO migration.step (number, name, sha256) VALUES ($1::int4, $2::text, sha256($3::bytea))
