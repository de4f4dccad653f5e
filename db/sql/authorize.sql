-- Authorize.
-- $1 station  $2 idTag  $3 received at
SELECT * FROM inbound.authorize($1::bigint, $2::text, $3::timestamptz)
