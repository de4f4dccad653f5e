-- Stations that another node took over lately, with their epochs.
-- $1 the node that asks
SELECT * FROM inbound.connections_moved($1::bigint)
