-- Any other event of a station.
-- $1 station  $2 action  $3 received at  $4 payload
SELECT * FROM inbound.note($1::bigint, $2::text, $3::timestamptz, $4::text)
