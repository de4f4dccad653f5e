-- Whether a numbered file is the one that was applied; no row: it was not applied.
-- $1 number  $2 name  $3 text
SELECT name = $2::text AND sha256 = sha256($3::bytea) FROM migration.step WHERE number = $1::int4
