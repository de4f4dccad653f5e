-- The statements that drop what a file made.
-- $1 path
SELECT format('DROP %s IF EXISTS %s', kind, identity) FROM migration.object
WHERE path = $1::text ORDER BY identity DESC
