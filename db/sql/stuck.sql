-- A message above the limit ended the pile's connection; for review, once a day.
-- $1 station  $2 received at  $3 its length in bytes, at least
SELECT * FROM inbound.stuck($1::bigint, $2::timestamptz, $3::bigint)
