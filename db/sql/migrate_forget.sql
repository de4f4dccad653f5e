-- An object was dropped.
-- $1 identity
DELETE FROM migration.object WHERE identity = $1::text
