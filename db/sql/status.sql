-- StatusNotification.
-- $1 station  $2 connector  $3 status  $4 error code  $5 info  $6 vendor id  $7 vendor error code
-- $8 at  $9 at as sent  $10 received at
SELECT * FROM inbound.status($1::bigint, $2::int, $3::text, $4::text, $5::text, $6::text, $7::text,
    $8::timestamptz, $9::text, $10::timestamptz)
