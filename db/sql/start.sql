-- StartTransaction.
-- $1 station  $2 connector  $3 idTag  $4 meterStart in mWh  $5 at  $6 at as sent  $7 reservation
-- $8 received at  $9 queued  $10 offset of the pile's clock in us, null: unknown
-- $11 without its hold  $12 frame  $13 deviations: JSON array or null
SELECT * FROM inbound.start($1::bigint, $2::int, $3::text, $4::bigint, $5::timestamptz, $6::text,
    $7::bigint, $8::timestamptz, $9::bool, $10::bigint, $11::bool, $12::text, $13::text)
