-- What a file made before is stale until it is seen again.
-- $1 path
UPDATE migration.object SET stale = true WHERE path = $1::text
