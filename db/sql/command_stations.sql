-- The stations of a node that have queued commands.
-- $1 node
SELECT * FROM inbound.command_stations($1::bigint)
