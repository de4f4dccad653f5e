-- A connection has ended; nothing happens if its epoch is no longer the station's.
-- $1 station  $2 epoch  $3 at  $4 reason
SELECT * FROM inbound.connection_close($1::bigint, $2::bigint, $3::timestamptz, $4::text)
