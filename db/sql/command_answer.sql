-- What became of a command.
-- $1 command  $2 message id  $3 state  $4 answer: JSON or the error's text, null: none  $5 at
SELECT * FROM inbound.command_answer($1::bigint, $2::text, $3::text, $4::text, $5::timestamptz)
