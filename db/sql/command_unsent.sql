-- Undoes a claim whose CALL never left.
-- $1 command  $2 message id of the claim  $3 at
SELECT * FROM inbound.command_unsent($1::bigint, $2::text, $3::timestamptz)
