-- Claims the oldest queued command of a station whose epoch is still ours.
-- $1 station  $2 epoch  $3 at
SELECT * FROM inbound.command_next($1::bigint, $2::bigint, $3::timestamptz)
