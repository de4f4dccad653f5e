-- What became of a command.
-- $1 command  $2 state  $3 answer: JSON or the error's text, null: none  $4 at
SELECT * FROM inbound.command_answer($1::bigint, $2::text, $3::text, $4::timestamptz)
