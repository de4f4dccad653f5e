-- What the handshake needs of the stations that changed.
-- $1 the last change that was seen, 0: everything
SELECT * FROM inbound.directory($1::bigint)
