-- What is stale, with the statement that drops it.
SELECT identity, format('DROP %s IF EXISTS %s', kind, identity) FROM migration.object
WHERE stale ORDER BY kind DESC, identity DESC
