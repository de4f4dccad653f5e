-- An answer to a command that nobody waits for any more.
-- $1 station  $2 message id  $3 state, or no_status  $4 answer: JSON  $5 at
SELECT * FROM inbound.command_late($1::bigint, $2::text, $3::text, $4::text, $5::timestamptz)
