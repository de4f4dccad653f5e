-- A transaction message that cannot be used: kept with its frame, confirmed, reviewed.
-- $1 station  $2 action  $3 received at  $4 frame  $5 code  $6 member
SELECT * FROM inbound.unusable($1::bigint, $2::text, $3::timestamptz, $4::text, $5::text, $6::text)
