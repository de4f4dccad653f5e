-- Stations that were taken over lately, with the epochs that count now.
-- $1 the node that asks
SELECT * FROM inbound.connections_moved($1::bigint)
